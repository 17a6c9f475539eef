package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

// Columns of the labels of a site's description, and of those of its templates.
const (
	siteLabels     = 11
	templateIndent = 4
	templateLabels = 9
)

// describeSite writes what was understood of a site; byFlags are the kinds that Chrome is started without.
func describeSite(o *outline, site *sites.Site, byFlags []string, now time.Time) {
	o.line(paint(o.out, styleBold, site.Name) + "  " + paint(o.out, styleFaint, output.CleanLine(site.File)))
	add := func(label, text string) { o.add(2, siteLabels, label, text) }
	add("about", site.Description)
	add("start", strings.Join(site.Start, ", "))
	add("schedule", scheduleText(site))
	add("next", nextText(site, now))
	add("run", runText(site))
	add("limits", limitsText(site.Limits))
	add("robots", robotsText(site))
	add("follow", followText(site))
	add("egress", egressText(site))
	add("isolation", isolationText(site))
	add("frames", framesText(site))
	add("challenge", challengeText(site.Challenge))
	add("cleanup", cleanupText(site.Cleanups(sites.Cleanup{})))
	add("blocked", blockedText(site.Block, byFlags))
	for i := range site.Templates {
		describeTemplate(o, &site.Templates[i])
	}
}

func scheduleText(site *sites.Site) string {
	if site.Schedule == "" {
		return "none: it runs only when asked"
	}
	text := site.Schedule
	if !strings.HasPrefix(text, "@every") { // whose multiples are the same in every zone
		text += " in " + site.Timezone
	}
	if site.Jitter > 0 {
		text += fmt.Sprintf(", up to %s later", site.Jitter)
	}
	return text
}

// framesText says when the pages are drawn.
func framesText(site *sites.Site) string {
	switch {
	case site.DrawsLazily():
		return "none, until a wait has not held for 300 ms"
	case site.Frames == sites.FramesOn:
		return "always drawn"
	}
	return "always drawn, for the steps"
}

// nextText are the next three times of the schedule.
func nextText(site *sites.Site, now time.Time) string {
	var times []string
	for _, t := range site.Next(now, 3) {
		times = append(times, t.Format(clockTime))
	}
	return strings.Join(times, ", ")
}

// runText says how long a run may take, and what becomes of those that cannot begin.
func runText(site *sites.Site) string {
	text := fmt.Sprintf("at most %s", site.Timeout)
	if site.Schedule == "" {
		return text
	}
	overlap := map[sites.Overlap]string{
		sites.OverlapSkip: "is skipped", sites.OverlapQueue: "waits",
	}[site.Overlap]
	missed := map[sites.Missed]string{
		sites.MissedLatest: "the latest is made up for", sites.MissedAll: "all are made up for",
		sites.MissedSkip: "none is made up for",
	}[site.Missed]
	return fmt.Sprintf("%s; one that is due meanwhile %s; of missed ones %s", text, overlap, missed)
}

func limitsText(l sites.Limits) string {
	pace := fmt.Sprintf("%s a host", l.Rate)
	if l.Rate == 0 {
		pace = "no limit of rate"
	} else if l.Burst > 1 {
		pace += fmt.Sprintf(" in bursts of %d", l.Burst)
	}
	parts := []string{
		plural(l.Pages, "page"), fmt.Sprintf("depth %d", *l.Depth), pace,
		fmt.Sprintf("%d open a host, %d in all", l.PerHost, l.Tabs),
		fmt.Sprintf("%s a page, %s a script without a pause", l.PageTimeout, l.Hang), retriesText(*l.Retries),
		fmt.Sprintf("documents to %s, items to %s", l.PageSize, l.ItemSize),
	}
	return strings.Join(parts, "; ")
}

func retriesText(n int) string {
	switch n {
	case 0:
		return "no retry"
	case 1:
		return "1 retry"
	}
	return fmt.Sprintf("%d retries", n)
}

func robotsText(site *sites.Site) string {
	text := "robots.txt is obeyed"
	if site.Robots == sites.RobotsIgnore {
		text = "robots.txt is ignored"
	}
	if site.UserAgent != "" {
		return text + "; user agent " + site.UserAgent
	}
	return text + "; user agent of the configuration"
}

// followText says which links may be followed.
func followText(site *sites.Site) string {
	parts := []string{strings.Join(site.Origins(), ", ")}
	for _, origin := range site.Origins() {
		if origin == "*" {
			parts[0] = "every origin"
		}
	}
	for _, list := range []struct {
		label    string
		patterns []sites.Pattern
	}{{"only", site.Follow.Allow}, {"never", site.Follow.Deny}} {
		if len(list.patterns) > 0 {
			parts = append(parts, list.label+" "+patternsText(list.patterns))
		}
	}
	if len(site.Follow.IgnoreQuery) > 0 {
		parts = append(parts, "without the parameters "+strings.Join(site.Follow.IgnoreQuery, ", "))
	}
	return strings.Join(parts, "; ")
}

// egressText says what may be reached, as far as the site file says.
func egressText(site *sites.Site) string {
	parts := []string{"what is public, and what the configuration allows"}
	for _, list := range []struct {
		label   string
		entries []string
	}{
		{"allowed", site.Egress.Allow},
		{"allowed, since start or follow name it,", site.NamedAddresses()},
		{"denied", site.Egress.Deny},
	} {
		if len(list.entries) > 0 {
			parts = append(parts, list.label+" "+strings.Join(list.entries, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

func patternsText(patterns []sites.Pattern) string {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = string(p)
	}
	return strings.Join(texts, ", ")
}

func isolationText(site *sites.Site) string {
	text := map[sites.Isolation]string{
		sites.IsolationTab:     "a tab that later runs use again",
		sites.IsolationPage:    "a new tab for each page",
		sites.IsolationContext: "a browser context for each run",
		sites.IsolationBrowser: "a Chrome for each run",
	}[site.Isolation]
	if site.Keep == sites.KeepPage {
		text += "; the page stays open, only its steps are repeated"
	}
	return text
}

func challengeText(c sites.Challenge) string {
	if c.Mode == sites.ChallengeWait {
		return fmt.Sprintf("a challenge page is waited for, up to %s", c.Limit)
	}
	return "a challenge page fails at once"
}

// cleanupText says which cleanups are done, as far as the site file says.
func cleanupText(c sites.Cleanup) string {
	var parts []string
	for _, rule := range c.Rules() {
		switch after, every := rule.When.After(); {
		case after == sites.Never:
			parts = append(parts, "no "+rule.Name)
		case every == 1:
			parts = append(parts, fmt.Sprintf("%s after each %s", rule.Name, after))
		default:
			parts = append(parts, fmt.Sprintf("%s after every %d %ss", rule.Name, every, after))
		}
	}
	if len(parts) == 0 {
		return "that of the configuration"
	}
	return strings.Join(parts, "; ")
}

// blockedText says what is blocked, and how.
func blockedText(b sites.Block, byFlags []string) string {
	var flagged, asked []string
	for _, kind := range b.Kinds {
		if slices.Contains(byFlags, string(kind)) {
			flagged = append(flagged, string(kind))
		} else {
			asked = append(asked, string(kind))
		}
	}
	var parts []string
	if len(flagged) > 0 {
		parts = append(parts, strings.Join(flagged, ", ")+" (by Chrome's start flags: all sites agree)")
	}
	if len(asked) > 0 {
		parts = append(parts, strings.Join(asked, ", ")+" (at each request)")
	}
	if len(b.URLs) > 0 {
		parts = append(parts, strings.Join(b.URLs, ", ")+" (by address)")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}
