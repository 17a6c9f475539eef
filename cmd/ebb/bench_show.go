package main

import (
	"fmt"

	"github.com/ebbworker/ebb/cmd/ebb/bench"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// writeBench writes what was measured, for people.
func writeBench(out output.Terminal, r *bench.Result) error {
	fmt.Fprintf(out, "%s and %s a round, Chrome %s, %s.\n", output.Counted(int64(r.Pages), "page", "pages"),
		output.Counted(int64(r.Pairs), "pair", "pairs"), output.CleanLine(r.Chrome), output.Counted(int64(r.Processors), "processor", "processors"))
	for i := 0; i < len(r.Comparisons); {
		end := i + 1
		for end < len(r.Comparisons) && r.Comparisons[end].Name == r.Comparisons[i].Name {
			end++
		}
		if err := writeComparison(out, r.Comparisons[i:end]); err != nil {
			return err
		}
		i = end
	}
	writeWrong(out, r)
	writeOthers(out, r)
	_, err := fmt.Fprintln(out, "\nFigures are medians of the rounds. A ratio is to the first arm in the same pair: its median, and the\nlowest and the highest of all pairs. 1 MB is 1,000,000 bytes.")
	return err
}

// writeComparison writes the tables of one comparison at all concurrencies.
func writeComparison(out output.Terminal, list []bench.Outcome) error {
	right := func(titles ...string) []output.Column {
		columns := []output.Column{{Title: "AT ONCE", Right: true}, {Title: "ARM", Keep: true}}
		for _, title := range titles {
			columns = append(columns, output.Column{Title: title, Right: true})
		}
		return columns
	}
	speed := output.NewTable(right("PAGES/S", "RATIO", "LO-HI", "CPU MS/PAGE", "RATIO", "LO-HI", "PEAK MB", "ITEMS")...)
	cpu := output.NewTable(right("WORKER", "BROWSER", "RENDERER", "NETWORK", "GPU", "OTHER")...)
	stages := output.NewTable(right("QUEUE", "LEASE", "NAVIGATE", "WAIT", "EXTRACT", "STORE", "CLEANUP")...)
	for _, o := range list {
		for i, arm := range o.Arms {
			at := ""
			if i == 0 {
				at = fmt.Sprint(o.Concurrency)
			}
			faster, fasterRange := benchRatio(arm.Speed)
			dearer, dearerRange := benchRatio(arm.Cost)
			speed.Add(at, arm.Arm, fmt.Sprintf("%.2f", arm.PagesPerSecond), faster, fasterRange,
				benchMS(arm.CPU), dearer, dearerRange, fmt.Sprintf("%.0f", arm.PeakAnon/1e6), output.Count(int64(arm.Items)))
			row := []string{at, arm.Arm}
			for _, kind := range bench.ProcessTypes {
				row = append(row, benchMS(arm.CPUByType[kind]))
			}
			cpu.Add(row...)
			s := arm.Stages
			stages.Add(at, arm.Arm, benchMS(s.Queue), benchMS(s.Lease), benchMS(s.Navigate), benchMS(s.Wait), benchMS(s.Extract), benchMS(s.Store), benchMS(s.Cleanup))
		}
	}
	for _, part := range []struct {
		title string
		table *output.Table
	}{
		{list[0].Name + ": pages a second, processor time a page, and the peak of anonymous memory", speed},
		{list[0].Name + ": processor time a page by type of process, ms", cpu},
		{list[0].Name + ": a tab's time for a page by stage, ms", stages},
	} {
		fmt.Fprintf(out, "\n%s\n\n", part.title)
		if err := part.table.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// busyShare is the share of the processors from which others make figures doubtful.
const busyShare = 0.1

// writeOthers tells where others had work for the machine.
func writeOthers(out output.Terminal, r *bench.Result) {
	most := 0.
	for _, o := range r.Comparisons {
		for _, arm := range o.Arms {
			most = max(most, arm.Others)
		}
	}
	writeBusy(out, most)
}

// writeBusy tells that others had work for the machine, where they had.
func writeBusy(out output.Terminal, share float64) {
	if share >= busyShare {
		fmt.Fprintf(out, "\nBUSY: others used up to %.0f %% of the processors, whoever serves the pages included; on a quiet machine\nthe figures would be others.\n", 100*share)
	}
}

// writeWrong names items that are not as they should be.
func writeWrong(out output.Terminal, r *bench.Result) {
	for _, o := range r.Comparisons {
		for _, arm := range o.Arms {
			writeWrongItems(out, fmt.Sprintf("%s %s, %d at once: ", o.Name, arm.Arm, o.Concurrency), arm.Wrong)
		}
	}
}

// writeWrongItems names items of one arm that are not as they should be.
func writeWrongItems(out output.Terminal, of string, wrong []string) {
	const most = 5
	if len(wrong) == 0 {
		return
	}
	fmt.Fprintf(out, "\nWRONG: %s%s\n", of, output.Counted(int64(len(wrong)), "item", "items"))
	for _, text := range wrong[:min(most, len(wrong))] {
		fmt.Fprintf(out, "  %s\n", output.Shorten(output.CleanLine(text), width(out)-2))
	}
}

// benchRatio is a ratio with its range; nothing for the first arm.
func benchRatio(r *bench.Ratio) (middle, between string) {
	if r == nil {
		return "", ""
	}
	return fmt.Sprintf("%.2f", r.Median), fmt.Sprintf("%.2f-%.2f", r.Lo, r.Hi)
}

func benchMS(ms float64) string { return fmt.Sprintf("%.1f", ms) }
