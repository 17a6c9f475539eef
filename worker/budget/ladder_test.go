package budget

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// small has a soft mark of 306 MB and a hard one of 360.
var small = Split(400*mib, "memory.limit")

// reading is one of a Chrome with a fresh level of 90 MB beside a worker of 40.
func reading(after time.Duration, used int64) Reading {
	return Reading{At: start.Add(after), Used: used * mib, Chrome: (used - 40) * mib, Fresh: 90 * mib, Shared: "chrome-1", SharedAnon: (used - 40) * mib, Pages: 1}
}

// gave is an event of an action that was expected to give above back, and gave given.
func gave(a Action, above, given int64) Event {
	return Event{At: start, Action: a, Above: above * mib, Before: 1000 * mib, After: (1000 - given) * mib, Took: 100 * time.Millisecond}
}

func knowing(events ...Event) *Experience {
	x := NewExperience()
	for _, e := range events {
		x.Add(e)
	}
	return x
}

func TestTheLadderTakesTheCheapestThatIsEnough(t *testing.T) {
	none := func(a Action) []Event { return []Event{gave(a, 100, 0), gave(a, 100, 0), gave(a, 100, 0)} }
	all := func(lists ...[]Event) (events []Event) {
		for _, l := range lists {
			events = append(events, l...)
		}
		return events
	}
	for name, c := range map[string]struct {
		known  []Event
		used   int64
		room   int64
		drains bool
		action Action
		reason Reason
	}{
		"below the soft mark":                      {used: 300},
		"a little above it":                        {used: 312, action: RecreatePage, reason: ReasonSoft},
		"garbage was all of it, so far":            {known: []Event{gave(CollectGarbage, 100, 90), gave(CollectGarbage, 100, 90)}, used: 312, action: CollectGarbage, reason: ReasonSoft},
		"pages gave back nothing":                  {known: none(RecreatePage), used: 312, action: RecreateContext, reason: ReasonSoft},
		"nothing but a new browser did":            {known: all(none(RecreatePage), none(RecreateContext), none(ClearStorage), none(CollectGarbage)), used: 312, action: RetireBrowser, reason: ReasonSoft},
		"nothing did":                              {known: all(none(RecreatePage), none(RecreateContext), none(ClearStorage), none(CollectGarbage), none(RetireBrowser)), used: 312},
		"no second browser beside one that drains": {known: all(none(RecreatePage), none(RecreateContext), none(ClearStorage), none(CollectGarbage)), used: 350, drains: true},
		"above the hard mark":                      {used: 361, action: RecreatePage, reason: ReasonHard},
		"a run waits and would not fit":            {used: 250, room: 30 * mib, action: RecreatePage, reason: ReasonRoom},
		"a run waits, and nothing is there":        {used: 130, room: 30 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLadder(small, knowing(c.known...))
			r := reading(time.Minute, c.used)
			r.Room, r.RoomFor, r.Draining = c.room, "shop", c.drains
			d, ok := l.Next(r)
			require.Equal(t, c.action != "", ok, d)
			require.Equal(t, c.action, d.Action)
			require.Equal(t, c.reason, d.Reason)
			if ok {
				require.Contains(t, d.Says, " in use")
				require.Positive(t, d.Need)
				require.Positive(t, d.Expected)
			}
		})
	}
}

// What is done is measured before the next thing is: without a pause between two actions, and a mark
// below which memory is brought, the ladder would act at every reading.
func TestTheLadderDoesNotFlap(t *testing.T) {
	l := NewLadder(small, NewExperience())
	acted := 0
	used := int64(310)
	for i := range 240 { // a minute
		r := reading(time.Duration(i)*250*time.Millisecond, used+int64(i%5))
		if d, ok := l.Next(r); ok {
			acted++
			l.Did(d, Event{At: r.At, Action: d.Action, Reason: d.Reason, Before: r.Used, After: r.Used - 2*mib, Above: d.Above, Took: time.Second})
		}
	}
	require.LessOrEqual(t, acted, 30, "one in two seconds at most, though it never helps")
	require.Positive(t, acted)

	l, acted = NewLadder(small, NewExperience()), 0
	for i := range 240 {
		r := reading(time.Duration(i)*250*time.Millisecond, used)
		if d, ok := l.Next(r); ok {
			acted++
			used = 200
			l.Did(d, Event{At: r.At, Action: d.Action, Reason: d.Reason, Before: r.Used, After: used * mib, Above: d.Above})
		}
	}
	require.Equal(t, 1, acted)
}

// When what was done did not help, the next is something else, and says why.
func TestTheLadderClimbsWhenItDoesNotHelp(t *testing.T) {
	l := NewLadder(small, NewExperience())
	var did []Action
	var last Decision
	for i := 0; i < 400 && len(did) < 5; i++ {
		r := reading(time.Duration(i)*250*time.Millisecond, 340)
		d, ok := l.Next(r)
		if !ok {
			continue
		}
		did, last = append(did, d.Action), d
		l.Did(d, Event{At: r.At, Action: d.Action, Reason: d.Reason, Before: r.Used, After: r.Used, Above: d.Above})
	}
	require.Equal(t, []Action{RecreatePage, RecreateContext, RetireBrowser}, did[:3])
	require.Equal(t, ReasonHelpless, last.Reason)
	require.Contains(t, last.Says, "gave back 0 MB of ")
}

func TestAboveTheHardMarkNoRunBegins(t *testing.T) {
	l := NewLadder(small, NewExperience())
	for _, step := range []struct {
		used    int64
		drains  bool
		holding bool
	}{
		{300, false, false},
		{365, false, true},
		{320, false, true}, // until it is well below the soft mark
		{290, false, true},
		{270, false, false},
		{320, false, false},
		{320, true, true},
	} {
		r := reading(time.Minute, step.used)
		r.Draining = step.drains
		l.Next(r)
		require.Equal(t, step.holding, l.Holding(), step)
	}
}

// A run at work that needs much is no reason to retire the Chrome in which it is: what it holds goes with it,
// and the successor would take memory that is not there. What was held before it began is.
func TestARunAtWorkIsNoReasonToRetireItsChrome(t *testing.T) {
	var useless []Event
	for _, a := range []Action{CollectGarbage, ClearStorage, RecreatePage, RecreateContext} {
		useless = append(useless, gave(a, 100, 0), gave(a, 100, 0), gave(a, 100, 0))
	}
	b := Split(1000*mib, "memory.limit") // marks 765 and 900
	for name, c := range map[string]struct {
		used, quiet   int64
		age           time.Duration
		want, holding bool
	}{
		"its own memory":                  {780, 91, time.Second, false, false},
		"what was held before":            {780, 400, time.Second, true, false},
		"a worker that is never quiet":    {780, 91, time.Hour, true, false},
		"no room for a successor":         {850, 400, time.Second, false, true},
		"above the hard mark, until then": {910, 400, time.Second, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLadder(b, knowing(useless...))
			r := reading(time.Minute, c.used)
			r.AtWork, r.Quiet, r.QuietFor = 1, c.quiet*mib, c.age
			d, ok := l.Next(r)
			require.Equal(t, c.want, ok, d)
			require.Equal(t, c.holding, l.Holding())
			r.AtWork = 0
			d, ok = l.Next(r)
			require.True(t, ok, "alone")
			require.Equal(t, RetireBrowser, d.Action)
		})
	}
}

// A leak of 5 MB a page under noise of the pages that are open is foreseen within the horizon, and
// memory that does not grow is not.
func TestTheForecast(t *testing.T) {
	for name, c := range map[string]struct {
		perPage float64
		want    bool
	}{"a leak": {5, true}, "a small leak": {0.5, false}, "none": {0, false}} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			l := NewLadder(Split(1000*mib, "memory.limit"), NewExperience())
			for page := range 110 {
				for tick := range 3 {
					r := reading(time.Duration(page*3+tick)*250*time.Millisecond, 0)
					r.Pages = page
					r.SharedAnon = int64((100 + c.perPage*float64(page) + 30*random.Float64()) * mib)
					r.Chrome = r.SharedAnon
					r.Used = r.SharedAnon + 40*mib
					d, ok := l.Next(r)
					if !ok {
						continue
					}
					require.True(t, c.want, d.Says)
					require.Equal(t, ReasonForecast, d.Reason)
					require.Regexp(t, `^soft mark in \d+ pages: [45](\.\d)? MB a page, \d+ MB in use$`, d.Says)
					require.Greater(t, page, 80, "the mark is passed at page 125")
					require.Less(t, page, 125)
					return
				}
			}
			require.False(t, c.want, "the mark was reached unforeseen")
		})
	}
}

func TestTheForecastBeginsAnewWithAnotherChrome(t *testing.T) {
	var f Forecast
	for page := range 200 {
		f.Add("chrome-1", page, int64(page)*mib)
	}
	require.LessOrEqual(t, len(f.lows), forecastBuckets)
	value, _, ok := f.Slope()
	require.True(t, ok)
	require.InEpsilon(t, mib, value, 0.05)
	f.Add("chrome-2", 1, mib)
	_, _, ok = f.Slope()
	require.False(t, ok)
}

func TestSlowerPagesRetireTheBrowser(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		early, late time.Duration
		busy, want  bool
	}{
		"23 s became 183 s":        {23 * time.Second, 183 * time.Second, false, true},
		"on a busy machine":        {23 * time.Second, 183 * time.Second, true, false},
		"not enough visits":        {0, 0, false, false},
		"noise of fast pages":      {50 * ms, 200 * ms, false, false},
		"noise of slow pages":      {10 * time.Second, 15 * time.Second, false, false},
		"fast pages became slow":   {100 * ms, 450 * ms, false, true},
		"pages that became faster": {2 * time.Second, time.Second, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLadder(small, NewExperience())
			r := reading(time.Hour, 200)
			r.Early, r.Late, r.Busy, r.Pages = c.early, c.late, c.busy, 400
			d, ok := l.Next(r)
			require.Equal(t, c.want, ok)
			if !ok {
				return
			}
			require.Equal(t, RetireBrowser, d.Action)
			require.Equal(t, ReasonSlow, d.Reason)
			require.Contains(t, d.Says, "after 400 pages")
		})
	}
}

// A browser that is no faster when it is new was not the reason: it is retired more and more rarely.
func TestABrowserThatIsNotTheReasonIsRetiredRarely(t *testing.T) {
	retired := func(helps bool) int {
		l := NewLadder(small, NewExperience())
		n := 0
		for minute := range 12 * 60 {
			r := reading(time.Duration(minute)*time.Minute, 200)
			r.Shared = string(rune('a' + n))
			r.Early, r.Late = time.Second, 5*time.Second
			if n > 0 && !helps {
				r.Early, r.Late = 4*time.Second, 8*time.Second
			}
			if d, ok := l.Next(r); ok {
				n++
				l.Did(d, Event{At: r.At, Action: d.Action, Reason: d.Reason})
			}
		}
		return n
	}
	require.Greater(t, retired(true), 40)
	require.Less(t, retired(false), 10)
}

func TestWhatWasLearnedFades(t *testing.T) {
	x := knowing(gave(RecreatePage, 100, 0), gave(RecreatePage, 100, 0), gave(RecreatePage, 100, 0))
	share, cost := x.Expect(RecreatePage, start.Add(time.Hour))
	require.Zero(t, share)
	require.Equal(t, 100*time.Millisecond, cost)
	share, _ = x.Expect(RecreatePage, start.Add(25*time.Hour))
	require.InDelta(t, 0.6, share, 0)
	for range 100 {
		x.Add(gave(RecreatePage, 100, 200))
	}
	require.Len(t, x.tried[RecreatePage], learnFrom)
	share, _ = x.Expect(RecreatePage, start)
	require.InDelta(t, 1, share, 0, "no more than all")
	x.Add(Event{Action: RecreatePage, Before: 1}) // tells nothing
	share, cost = x.Expect(Hold, start)
	require.Zero(t, share)
	require.Zero(t, cost)
}

func TestPoliciesThatDoNotEarnTheirCost(t *testing.T) {
	var events []Event
	for i := range 12 {
		old := gave(RetireBrowser, 100, 3)
		old.Reason, old.Took = "age", 410*time.Millisecond
		soft := gave(RecreatePage, 100, 60)
		soft.Reason = ReasonSoft
		asked := gave(RetireBrowser, 100, 0)
		asked.Reason = "asked"
		events = append(events, old, soft, asked, Event{Action: Hold, Reason: ReasonHard, Before: 1, After: 1})
		if i < 3 {
			few := gave(RetireBrowser, 100, 0)
			few.Reason = "idle"
			events = append(events, few)
		}
	}
	policies := Policies(events)
	require.Equal(t, RecreatePage, policies[0].Action)
	require.Equal(t, int64(12*60*mib), policies[0].Total)
	said := 0
	for _, p := range policies {
		if p.Wasteful != "" {
			said++
			require.Equal(t, "retire the browser by age gave back 3 MB in 12 times (the middle one) at 410 ms each: it does not earn its cost", p.Wasteful)
		}
	}
	require.Equal(t, 1, said)
}

func TestTabsFollowThePressure(t *testing.T) {
	tabs := NewTabs(8)
	at := start
	step := func(after time.Duration, over bool, pressure float64) (int, Reason) {
		at = at.Add(after)
		limit, why, _, changed := tabs.Next(at, over, !over, pressure, true)
		require.Equal(t, changed, why != "")
		require.Equal(t, limit, tabs.Limit())
		return limit, why
	}
	check := func(limit int, why Reason) func(int, Reason) {
		return func(gotLimit int, gotWhy Reason) {
			t.Helper()
			require.Equal(t, limit, gotLimit)
			require.Equal(t, why, gotWhy)
		}
	}
	check(8, "")(step(time.Minute, false, 0))
	check(4, ReasonPressure)(step(time.Second, false, 15))
	check(4, "")(step(time.Second, false, 15)) // what the cut did shows later
	check(2, ReasonHard)(step(10*time.Second, true, 0))
	check(1, ReasonPressure)(step(10*time.Second, false, 50))
	check(1, "")(step(10*time.Second, true, 90)) // the least
	check(1, "")(step(time.Second, false, 5))    // neither short nor calm
	check(1, "")(step(time.Second, false, 0))
	check(2, ReasonPressure)(step(15*time.Second, false, 0))
	check(2, "")(step(14*time.Second, false, 0))
	for range 20 {
		step(15*time.Second, false, 0)
	}
	require.Equal(t, 8, tabs.Limit())
}
