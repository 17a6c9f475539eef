package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/worker/budget"
	"github.com/ebbworker/ebb/worker/store"
)

func newExplainCommand(a *app) *cobra.Command {
	var asJSON bool
	var since string
	var limit int
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Explain what was done about memory, and what runs wait for",
		Long: `Explain what the workers on the database did about memory, newest last: each time that
something was given back or a browser was replaced, why, what was in use before and after,
and what it cost. Then what each way of giving memory back has brought so far and what
does not earn its cost, what a run of each site needs, and which runs wait and why.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := atLeastOne("limit", limit); err != nil {
				return err
			}
			from, err := parseSince(since, time.Now())
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				e, err := readExplanation(ctx, s, from)
				if err != nil {
					return err
				}
				if asJSON {
					return e.writeJSON(a, limit)
				}
				return a.writeExplanation(e, limit)
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only what was done since this `time`: 24h (ago), 2026-01-31")
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "show the latest `N`")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// parseSince reads a time, or a duration before now; "" is the beginning.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageErrorf("--since %q is neither a time nor a duration; write 24h, 2026-01-31, \"2026-01-31 15:04\" or 2026-01-31T15:04:05Z", text)
}

// explanation is what the database knows of memory.
type explanation struct {
	events   []store.MemoryEvent
	policies []budget.Policy
	budgets  []store.WorkerBudget
	waits    []store.MemoryWait
	sites    []siteNeed
}

// siteNeed is what a run of a site needs.
type siteNeed struct {
	site   string
	need   budget.Need
	latest store.SitePeak
}

func readExplanation(ctx context.Context, s *store.Store, since time.Time) (e explanation, err error) {
	if e.events, err = s.MemoryEvents(ctx, store.MemoryEventFilter{Since: since}); err != nil {
		return e, err
	}
	known := make([]budget.Event, 0, len(e.events))
	for _, stored := range e.events {
		known = append(known, budget.Event{
			At: stored.At, Action: budget.Action(stored.Action), Reason: budget.Reason(stored.Reason), Says: stored.Says,
			Before: stored.Before, After: stored.After, Above: stored.Above, Took: stored.Took,
		})
	}
	e.policies = budget.Policies(known)
	if e.budgets, err = s.Budgets(ctx); err != nil {
		return e, err
	}
	if e.waits, err = s.MemoryWaits(ctx); err != nil {
		return e, err
	}
	peaks, err := s.SitePeaks(ctx)
	e.sites = needs(peaks)
	return e, err
}

// needs are what runs need, by site. The peaks are in the order of the sites.
func needs(peaks []store.SitePeak) []siteNeed {
	var list []siteNeed
	for len(peaks) > 0 {
		n := 0
		var of []budget.Peak
		for n < len(peaks) && peaks[n].Site == peaks[0].Site {
			of = append(of, budget.Peak{At: peaks[n].At, Bytes: peaks[n].Bytes, Alone: peaks[n].Alone})
			n++
		}
		list = append(list, siteNeed{peaks[0].Site, budget.NeedOf(budget.Budget{}, of), peaks[n-1]})
		peaks = peaks[n:]
	}
	return list
}

func (a *app) writeExplanation(e explanation, limit int) error {
	out, now := a.out(), time.Now()
	if err := a.writeBudgets(e); err != nil {
		return err
	}
	if len(e.events) == 0 {
		fmt.Fprint(out, "\nnothing was done about memory yet: `ebb run` acts when it runs short, and when a browser is replaced\n")
	}
	parts := []struct {
		title string
		table *output.Table
	}{
		{"What was done, newest last", eventTable(e.events[max(0, len(e.events)-limit):], now)},
		{"What it gave back so far", policyTable(e.policies)},
		{"What a run needs at its peak", needTable(e.sites, now)},
		{"Runs that wait for memory", waitTable(e.waits, now)},
	}
	for i, part := range parts {
		if part.table.Len() > 0 {
			fmt.Fprintf(out, "\n%s\n", paint(out, styleBold, part.title))
			if err := part.table.Write(out); err != nil {
				return err
			}
		}
		if i == 1 {
			writeWasteful(out, e.policies)
		}
	}
	return nil
}

// writeBudgets writes the budgets of the workers, or the one that a worker here would have.
func (a *app) writeBudgets(e explanation) error {
	o := &outline{out: a.out()}
	for _, w := range e.budgets {
		var b budget.Budget
		if err := json.Unmarshal([]byte(w.Budget), &b); err != nil {
			return fmt.Errorf("read the budget of worker %s: %w", w.Worker, err)
		}
		o.line(output.CleanLine(fmt.Sprintf("process %d on %s", w.PID, w.Host)))
		budgetLines(o, b)
	}
	if len(e.budgets) > 0 {
		return o.write()
	}
	settings, err := a.config()
	if err != nil {
		return err
	}
	if !settings.Memory.Control {
		o.line("no worker runs, and memory.control is off: nothing is done about memory")
		return o.write()
	}
	b, err := readBudget(settings)
	if !b.Known() {
		return fmt.Errorf("no worker runs, and how much memory there is cannot be read; set memory.limit: %w", err)
	}
	o.line("no worker runs; one that starts here has")
	budgetLines(o, b.Budget)
	return o.write()
}

func budgetLines(o *outline, b budget.Budget) {
	o.add(2, 8, "budget", b.String())
	o.add(2, 8, "marks", fmt.Sprintf("above %s memory is given back, above %s no run begins beside others", budget.Size(b.Soft), budget.Size(b.Hard)))
}

func eventTable(events []store.MemoryEvent, now time.Time) *output.Table {
	table := output.NewTable(output.Column{Title: "WHEN", Keep: true}, output.Column{Title: "ACTION", Keep: true}, output.Column{Title: "REASON", Keep: true},
		output.Column{Title: "BEFORE", Right: true}, output.Column{Title: "AFTER", Right: true}, output.Column{Title: "GAVE", Right: true},
		output.Column{Title: "COST", Right: true}, output.Column{Title: "WHY"})
	for _, e := range events {
		gave := "-"
		if given, known := (budget.Event{Before: e.Before, After: e.After}).Given(); known {
			gave = budget.Size(given)
		}
		table.Add(output.Ago(e.At, now), e.Action, e.Reason, size(e.Before), size(e.After), gave, output.Duration(e.Took), e.Says)
	}
	return table
}

// size writes bytes; "-" where they are not known.
func size(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return budget.Size(bytes)
}

func policyTable(policies []budget.Policy) *output.Table {
	table := output.NewTable(output.Column{Title: "ACTION", Keep: true}, output.Column{Title: "REASON", Keep: true}, output.Column{Title: "TIMES", Right: true},
		output.Column{Title: "GAVE, MEDIAN", Right: true}, output.Column{Title: "IN ALL", Right: true}, output.Column{Title: "COST, MEDIAN", Right: true})
	for _, p := range policies {
		gave, all := "-", "-"
		if p.Known > 0 {
			gave, all = budget.Size(p.Given), budget.Size(p.Total)
		}
		table.Add(string(p.Action), string(p.Reason), output.Count(int64(p.Times)), gave, all, output.Duration(p.Took))
	}
	return table
}

func writeWasteful(out output.Terminal, policies []budget.Policy) {
	o := &outline{out: out}
	for _, p := range policies {
		if p.Wasteful != "" {
			o.line(output.CleanLine(p.Wasteful))
		}
	}
	_ = o.write()
}

func needTable(sites []siteNeed, now time.Time) *output.Table {
	table := output.NewTable(output.Column{Title: "SITE", Keep: true}, output.Column{Title: "P95", Right: true}, output.Column{Title: "RUNS", Right: true},
		output.Column{Title: "ALONE", Right: true}, output.Column{Title: "LATEST", Right: true}, output.Column{Title: "WHEN", Keep: true})
	for _, s := range sites {
		table.Add(s.site, budget.Size(s.need.Bytes), strconv.Itoa(s.need.Runs), strconv.Itoa(s.need.Alone), budget.Size(s.latest.Bytes), output.Ago(s.latest.At, now))
	}
	return table
}

func waitTable(waits []store.MemoryWait, now time.Time) *output.Table {
	table := output.NewTable(output.Column{Title: "SITE", Keep: true}, output.Column{Title: "RUN", Right: true},
		output.Column{Title: "SINCE", Keep: true}, output.Column{Title: "WHY"})
	for _, w := range waits {
		table.Add(w.Site, strconv.FormatInt(w.Run, 10), output.Ago(w.Since, now), w.Why)
	}
	return table
}
