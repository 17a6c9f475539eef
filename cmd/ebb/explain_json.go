package main

import (
	"encoding/json"
	"time"

	"github.com/ebbworker/ebb/worker/budget"
)

// The rows of `ebb explain --json`: what each is says its kind. Sizes are in bytes, and what is not known is
// left out.

type budgetRow struct {
	Kind   string          `json:"kind"` // budget
	Worker string          `json:"worker"`
	Host   string          `json:"host"`
	PID    int             `json:"pid"`
	Budget json.RawMessage `json:"budget"`
}

type eventRow struct {
	Kind   string    `json:"kind"` // event
	At     time.Time `json:"at"`
	Host   string    `json:"host"`
	Worker string    `json:"worker"`
	Action string    `json:"action"`
	Reason string    `json:"reason"`
	Says   string    `json:"says"`
	Before int64     `json:"before,omitempty"`
	After  int64     `json:"after,omitempty"`
	Given  *int64    `json:"given,omitempty"`
	Took   float64   `json:"took_ms"`
}

type policyRow struct {
	Kind     string        `json:"kind"` // policy
	Action   budget.Action `json:"action"`
	Reason   budget.Reason `json:"reason"`
	Times    int           `json:"times"`
	Known    int           `json:"known"`
	Given    int64         `json:"given_median"`
	Total    int64         `json:"given_total"`
	Took     float64       `json:"took_ms_median"`
	Wasteful string        `json:"wasteful,omitempty"`
}

type needRow struct {
	Kind   string    `json:"kind"` // site
	Site   string    `json:"site"`
	P95    int64     `json:"p95"`
	Runs   int       `json:"runs"`
	Alone  int       `json:"alone"`
	Latest int64     `json:"latest"`
	At     time.Time `json:"latest_at"`
}

type waitRow struct {
	Kind   string    `json:"kind"` // wait
	Worker string    `json:"worker"`
	Site   string    `json:"site"`
	Run    int64     `json:"run"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why"`
}

// writeJSON writes the explanation as rows, one a line.
func (e explanation) writeJSON(a *app, limit int) error {
	var rows []any
	for _, b := range e.budgets {
		rows = append(rows, budgetRow{"budget", b.Worker, b.Host, b.PID, json.RawMessage(b.Budget)})
	}
	for _, v := range e.events[max(0, len(e.events)-limit):] {
		row := eventRow{
			Kind: "event", At: v.At, Host: v.Host, Worker: v.Worker, Action: v.Action, Reason: v.Reason, Says: v.Says,
			Before: v.Before, After: v.After, Took: milliseconds(v.Took),
		}
		if given, known := (budget.Event{Before: v.Before, After: v.After}).Given(); known {
			row.Given = &given
		}
		rows = append(rows, row)
	}
	for _, p := range e.policies {
		rows = append(rows, policyRow{"policy", p.Action, p.Reason, p.Times, p.Known, p.Given, p.Total, milliseconds(p.Took), p.Wasteful})
	}
	for _, s := range e.sites {
		rows = append(rows, needRow{"site", s.site, s.need.Bytes, s.need.Runs, s.need.Alone, s.latest.Bytes, s.latest.At})
	}
	for _, w := range e.waits {
		rows = append(rows, waitRow{"wait", w.Worker, w.Site, w.Run, w.Since, w.Why})
	}
	for _, row := range rows {
		if err := writeJSONLine(a.stdout, row); err != nil {
			return err
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
