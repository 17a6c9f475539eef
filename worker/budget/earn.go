package budget

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Policy is what was done for one reason: the row of a table.
type Policy struct {
	Action Action `json:"action"`
	Reason Reason `json:"reason"`
	// Times it was done, Known of them with a reading before and after.
	Times int `json:"times"`
	Known int `json:"known"`
	// Given is the median of what came back, in bytes, and Total its sum; Took the median of the cost.
	Given int64         `json:"given"`
	Total int64         `json:"total"`
	Took  time.Duration `json:"took_ns"`
	// Wasteful says why it does not earn its cost; "" where it does, or where that is not known.
	Wasteful string `json:"wasteful,omitempty"`
}

const (
	// judgedFrom is how many times a policy needs before it is judged.
	judgedFrom = 8
	// earns is what is worth an action, in bytes.
	earns = 4 * mib
)

// unjudged are reasons for which memory is not why it is done.
var unjudged = map[Reason]bool{ReasonSlow: true, "failures": true, "asked": true, ReasonPressure: true}

// unjudgedActions give nothing back by themselves.
var unjudgedActions = map[Action]bool{FewerTabs: true, Hold: true}

// Policies adds up events by action and reason: what gave back most comes first.
func Policies(events []Event) []Policy {
	type key struct {
		action Action
		reason Reason
	}
	var order []key
	given, took, times := map[key][]int64{}, map[key][]time.Duration{}, map[key]int{}
	for _, e := range events {
		k := key{e.Action, e.Reason}
		if times[k]++; times[k] == 1 {
			order = append(order, k)
		}
		if bytes, ok := e.Given(); ok {
			given[k] = append(given[k], bytes)
		}
		took[k] = append(took[k], e.Took)
	}
	list := make([]Policy, 0, len(order))
	for _, k := range order {
		p := Policy{
			Action: k.action, Reason: k.reason, Times: times[k], Known: len(given[k]),
			Given: median(given[k]), Took: median(took[k]),
		}
		for _, bytes := range given[k] {
			p.Total += bytes
		}
		p.Wasteful = p.judge()
		list = append(list, p)
	}
	slices.SortStableFunc(list, func(a, b Policy) int { return cmp.Compare(b.Total, a.Total) })
	return list
}

// judge says why a policy does not earn its cost.
func (p Policy) judge() string {
	if p.Known < judgedFrom || p.Given >= earns || unjudged[p.Reason] || unjudgedActions[p.Action] {
		return ""
	}
	return fmt.Sprintf("%s by %s gave back %s in %d times (the middle one) at %d ms each: it does not earn its cost",
		p.Action.verb(), p.Reason, Size(max(p.Given, 0)), p.Known, p.Took.Milliseconds())
}

// verb is the action in words.
func (a Action) verb() string {
	switch a {
	case CollectGarbage:
		return "collect garbage"
	case ClearStorage:
		return "clear storage"
	case RecreatePage:
		return "recreate the page"
	case RecreateContext:
		return "recreate the context"
	case RetireBrowser:
		return "retire the browser"
	}
	return string(a)
}
