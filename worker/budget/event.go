package budget

import "time"

// Action is one way of giving memory back.
type Action string

// The rungs of the ladder, cheapest first by what is known before anything was tried.
const (
	// CollectGarbage collects the garbage of the tabs that nobody uses.
	CollectGarbage Action = "gc"
	// ClearStorage clears what origins keep in memory and do not need to stay logged in: caches,
	// databases, service workers.
	ClearStorage Action = "storage"
	// RecreatePage closes the tabs that nobody uses.
	RecreatePage Action = "page"
	// RecreateContext gives sites with a browser context of their own another one.
	RecreateContext Action = "context"
	// RetireBrowser gives new runs a new Chrome; the old one closes with its last run.
	RetireBrowser Action = "browser"
	// FewerTabs lets fewer tabs be lent at once, or more again.
	FewerTabs Action = "tabs"
	// Hold lets no run begin while others are at work.
	Hold Action = "hold"
)

// Reason is why something was done.
type Reason string

// Reasons of the ladder.
const (
	ReasonSoft     Reason = "soft"     // the soft mark was passed
	ReasonHard     Reason = "hard"     // the hard mark was passed
	ReasonForecast Reason = "forecast" // it will be within the next pages
	ReasonHelpless Reason = "helpless" // what was done before it did not help
	ReasonRoom     Reason = "room"     // a run waits, nothing runs, and it would not fit
	ReasonSlow     Reason = "slow"     // pages have become slower with the browser's age
	ReasonPressure Reason = "pressure" // tasks wait for memory
	ReasonPace     Reason = "pace"     // measuring has found how many tabs are worth having
)

// Event is one thing that was done about memory: by the ladder, or by a rule of the pool.
type Event struct {
	At time.Time `json:"at"`
	// Action and Reason are words of this package, or the pool's reasons to recycle a browser.
	Action Action `json:"action"`
	Reason Reason `json:"reason"`
	// Says tells why in words, with figures.
	Says string `json:"says"`
	// Before and After are anonymous memory in use, in bytes, before it and when it had settled. After
	// is 0 where it is not known.
	Before int64 `json:"before"`
	After  int64 `json:"after"`
	// Above is what could have been given back: memory in use above a fresh Chrome's. Default: 0, unknown.
	Above int64 `json:"above,omitempty"`
	// Took is what it cost.
	Took time.Duration `json:"took_ns"`
}

// Given is what came back, in bytes; less than 0 where memory grew meanwhile. ok says whether it is known.
func (e Event) Given() (bytes int64, ok bool) {
	if e.Before == 0 || e.After == 0 {
		return 0, false
	}
	return e.Before - e.After, true
}
