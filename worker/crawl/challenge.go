package crawl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// challengeMarks tell an interstitial from a page. A document is one when any of its
// rows fits; they are looked for only where the answer's status or header suggests a
// challenge. A mark is the beginning of the title, a CSS selector, or a part of the
// address of a script.
var challengeMarks = struct {
	Titles    []string `json:"titles"`
	Selectors []string `json:"selectors"`
	Scripts   []string `json:"scripts"`
}{
	Titles: []string{
		"Just a moment",               // Cloudflare, managed challenge
		"Attention Required",          // Cloudflare, captcha
		"Checking your browser",       // Cloudflare, older; DDoS-Guard
		"DDoS-Guard",                  //
		"Please Wait... | Cloudflare", // Cloudflare, older
		"Human Verification",          // AWS WAF
		"Pardon Our Interruption",     // Imperva
	},
	Selectors: []string{
		"#challenge-form", "#challenge-running", "#cf-challenge-running", // Cloudflare
		"#challenge-container",                // AWS WAF
		"#px-captcha",                         // HUMAN
		"#sec-if-cpt-container",               // Akamai
		`iframe[src*="captcha-delivery.com"]`, // DataDome
	},
	Scripts: []string{
		"/cdn-cgi/challenge-platform/", // Cloudflare
		".awswaf.com/",                 // AWS WAF
		"captcha-delivery.com/",        // DataDome
		"/_Incapsula_Resource",         // Imperva
	},
}

// challengeScript is a function of the marks and, to wait, of the document that was
// challenged. It only looks: it clicks nothing and changes nothing. Its promise holds
// what is open now, when there is no challenge any more or no waiting was asked for.
const challengeScript = `((marks, wait) => new Promise(resolve => {
  const mark = () => {
    const title = (document.title || "").trim().toLowerCase();
    for (const t of marks.titles) if (title.startsWith(t.toLowerCase())) return "title " + t;
    for (const s of marks.selectors) if (document.querySelector(s)) return s;
    for (const e of document.scripts) {
      const src = e.getAttribute("src") || "";
      for (const s of marks.scripts) if (src.includes(s)) return "script " + s;
    }
    return "";
  };
  const look = () => {
    const [entry] = performance.getEntriesByType("navigation");
    return {mark: mark(), began: performance.timeOrigin, status: entry && entry.responseStatus || 0};
  };
  const passed = now => now.mark === "" && (wait.marked || now.began !== wait.began);
  const parsed = () => document.readyState !== "loading";
  const done = now => wait ? parsed() && passed(now) : parsed() || now.mark !== "";
  const now = look();
  if (done(now)) return resolve(now);
  const check = () => {
    const now = look();
    if (!done(now)) return;
    observer.disconnect();
    resolve(now);
  };
  const observer = new MutationObserver(check);
  observer.observe(document, {childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["id", "src"]});
  document.addEventListener("readystatechange", check);
}))`

// sight is what challengeScript returns: which mark the document bears, when it began,
// and the status with which it came.
type sight struct {
	Mark   string  `json:"mark"`
	Began  float64 `json:"began"`
	Status int     `json:"status"`
}

// challengeWait tells challengeScript which document was challenged.
type challengeWait struct {
	Began  float64 `json:"began"`
	Marked bool    `json:"marked"`
}

func challengeExpression(wait *challengeWait) (string, error) {
	marks, err := json.Marshal(challengeMarks)
	if err != nil {
		return "", err
	}
	waiting, err := json.Marshal(wait)
	if err != nil {
		return "", err
	}
	return challengeScript + "(" + string(marks) + "," + string(waiting) + ")", nil
}

// errChallenge is the fault of a page that showed a challenge instead of its content.
var errChallenge = errors.New("the site answers with a challenge page")

// announced reports whether the server says itself that its answer is a challenge.
func announced(header http.Header) bool {
	return strings.EqualFold(header.Get("Cf-Mitigated"), "challenge") ||
		strings.EqualFold(header.Get("X-Amzn-Waf-Action"), "challenge") ||
		strings.EqualFold(header.Get("X-Amzn-Waf-Action"), "captcha")
}

// suspicious reports whether an answer may be a challenge, so that looking at the
// document is worth it.
func suspicious(response browser.Response) bool {
	if announced(response.Header) {
		return true
	}
	switch response.Status {
	case http.StatusForbidden, http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return true
	case http.StatusAccepted, http.StatusMethodNotAllowed: // AWS WAF; its header says more, where it is known
		return len(response.Header) == 0
	}
	return false
}

// look asks the document whether it is a challenge.
func look(ctx context.Context, lease tab, wait *challengeWait) (sight, error) {
	expression, err := challengeExpression(wait)
	if err != nil {
		return sight{}, err
	}
	raw, err := lease.Evaluate(ctx, expression)
	if err != nil {
		return sight{}, err
	}
	var seen sight
	if err := json.Unmarshal(raw, &seen); err != nil {
		return sight{}, fmt.Errorf("read what the document shows: %w", err)
	}
	return seen, nil
}

// challenge finds out whether the answer is a challenge and, in a page of its own, waits
// for it to pass. It returns the status that holds now.
func (v *visit) challenge(ctx context.Context, response browser.Response) (status int, err error) {
	if !suspicious(response) {
		return response.Status, nil
	}
	seen, err := look(ctx, v.lease, nil)
	if err != nil {
		return 0, fmt.Errorf("look for a challenge: %w", err)
	}
	if seen.Mark == "" && !announced(response.Header) {
		return response.Status, nil
	}
	if v.run.site.Challenge.Mode != sites.ChallengeWait || !v.alone {
		return 0, challengeFault(seen, 0)
	}
	limit := v.run.limits.challenge
	waitCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	now, err := look(waitCtx, v.lease, &challengeWait{Began: seen.Began, Marked: seen.Mark != ""})
	switch {
	case err != nil && waitCtx.Err() != nil && ctx.Err() == nil:
		return 0, challengeFault(seen, limit)
	case err != nil:
		return 0, fmt.Errorf("wait for a challenge to pass: %w", err)
	}
	return now.Status, v.landed(ctx, v.lease.URL())
}

func challengeFault(seen sight, waited time.Duration) *fault {
	err := errChallenge
	if seen.Mark != "" {
		err = fmt.Errorf("%w (%s)", err, seen.Mark)
	}
	if waited > 0 {
		err = fmt.Errorf("%w; it did not pass in %s", err, waited)
	}
	return &fault{class: ClassBlocked, err: err}
}
