package bench

import (
	"encoding/json"
	"slices"
)

// Comparison is what is compared pairwise: the first arm is what the others are held against.
type Comparison struct {
	// Name is its name in the figures and, but for the first comparison's, its flag.
	Name string
	// Says is what the flag's help says of it.
	Says string
	Arms []Arm
}

// Limit compares Ebb with the bare loop.
var Limit = Comparison{
	Name: "limit",
	Arms: []Arm{{Name: "bare", Level: LevelBare}, {Name: "crawl", Level: LevelCrawl}, {Name: "whole", Level: LevelWhole}},
}

// Settings are the settings that are compared, each by its flag. A new one is a row here.
var Settings = []Comparison{
	{
		Name: "profile-levels", Says: "compare a whole worker with memory profiling off, cheap and full",
		Arms: []Arm{
			{Name: "off", Level: LevelWhole, Set: []string{"memory.profile=off"}},
			{Name: "cheap", Level: LevelWhole, Set: []string{"memory.profile=cheap"}},
			{Name: "full", Level: LevelWhole, Set: []string{"memory.profile=full"}},
		},
	},
	{
		Name: "egress", Says: "compare a whole worker without and with the egress guard",
		Arms: []Arm{
			{Name: "without", Level: LevelWhole, Set: []string{"egress.enabled=false"}},
			{Name: "with", Level: LevelWhole, Set: []string{"egress.enabled=true"}},
		},
	},
	{
		Name: "isolation", Says: "compare what tabs share: tab, page, context, browser",
		Arms: []Arm{
			{Name: "tab", Level: LevelCrawl, Isolation: "tab"},
			{Name: "page", Level: LevelCrawl, Isolation: "page"},
			{Name: "context", Level: LevelCrawl, Isolation: "context"},
			{Name: "browser", Level: LevelCrawl, Isolation: "browser"},
		},
	},
	{
		Name: "frames", Says: "compare pages that are always drawn with lazily drawn ones",
		Arms: []Arm{
			{Name: "on", Level: LevelCrawl, Frames: "on"},
			{Name: "lazy", Level: LevelCrawl, Frames: "lazy"},
		},
	},
	{
		Name: "tab-memory", Says: "compare collecting garbage of tabs never, by pages, by memory",
		Arms: []Arm{
			{Name: "never", Level: LevelCrawl, Set: collecting("0", "")},
			{Name: "10 pages", Level: LevelCrawl, Set: collecting("10", "")},
			{Name: "5 pages", Level: LevelCrawl, Set: collecting("5", "")},
			{Name: "3 pages", Level: LevelCrawl, Set: collecting("3", "")},
			{Name: "2 pages", Level: LevelCrawl, Set: collecting("2", "")},
			{Name: "60m", Level: LevelCrawl, Set: collecting("0", "60m")},
		},
	},
	{
		Name: "tab-pages", Says: "compare tabs that are never replaced with those that are, by pages",
		Arms: []Arm{
			{Name: "never", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0"}},
			{Name: "25", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=25"}},
			{Name: "100", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=100"}},
		},
	},
	{
		Name: "renderers", Says: "compare a renderer for each tab with two, and with one, for all of them",
		Arms: []Arm{
			{Name: "each", Level: LevelCrawl, Set: chromeFlags()},
			{Name: "two", Level: LevelCrawl, Set: chromeFlags("--renderer-process-limit=2")},
			{Name: "one", Level: LevelCrawl, Set: chromeFlags("--renderer-process-limit=1")},
		},
	},
	{
		Name: "viewport", Says: "compare viewports, in the bare loop",
		Arms: viewports("lazy"),
	},
	{
		Name: "viewport-drawn", Says: "compare viewports where pages are always drawn",
		Arms: viewports("on"),
	},
	{
		Name: "switches", Says: "compare Chrome with switches that Puppeteer gives it, in the bare loop",
		Arms: switches(),
	},
}

// viewports are pages in Chrome's own window and with overrides.
func viewports(frames string) []Arm {
	arms := []Arm{{Name: "none", Level: LevelBare, Frames: frames}}
	for _, size := range []string{"800x600", "320x200", "1920x1080"} {
		arms = append(arms, Arm{Name: size, Level: LevelBare, Frames: frames, Viewport: size})
	}
	return arms
}

// switches compares Chrome with further switches, in the bare loop: those with which Puppeteer 24.43 starts Chrome and
// Ebb does not, each by itself and all together.
func switches() []Arm {
	features := "AcceptCHFrame,WebUIReloadButton,ProcessPerSiteUpToMainFrameThreshold,IsolateSandboxedIframes"
	arms := []Arm{{Name: "none", Level: LevelBare, Set: chromeFlags()}}
	var all []string
	for _, s := range [][2]string{
		{"pre-commit input", "--allow-pre-commit-input"},
		{"extensions", "--disable-component-extensions-with-background-pages"},
		{"no /dev/shm", "--disable-dev-shm-usage"},
		{"infobars", "--disable-infobars"},
		{"IPC flooding", "--disable-ipc-flooding-protection"},
		{"popups", "--disable-popup-blocking"},
		{"search engine", "--disable-search-engine-choice-screen"},
		{"tagged PDF", "--export-tagged-pdf"},
		{"PDF outline", "--generate-pdf-document-outline"},
		{"PDF frames", "--enable-features=PdfOopif"},
		{"less features", "--disable-features=" + features},
	} {
		arms = append(arms, Arm{Name: s[0], Level: LevelBare, Set: chromeFlags(s[1])})
		all = append(all, s[1])
	}
	return append(arms, Arm{Name: "all", Level: LevelBare, Set: chromeFlags(all...)})
}

// chromeFlags is the setting of these further flags of Chrome and no others; their values may have commas.
func chromeFlags(flags ...string) []string {
	list, _ := json.Marshal(slices.Concat([]string{}, flags)) // texts are always JSON
	return []string{"browser.flags=" + string(list)}
}

// collecting are settings of when the garbage of a tab is collected, none of which is ever replaced.
func collecting(pages, mark string) []string {
	return []string{"pool.pages_per_tab=0", "pool.gc_pages=" + pages, "pool.tab_memory=" + mark}
}
