package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// htmlCompared is the table of answers.
type htmlCompared struct {
	Heads []string
	Rows  []htmlComparedRow
	Words string
}

// htmlComparedRow is one cleanup of it.
type htmlComparedRow struct {
	Name, When, Verdict, Class, Need string
	Cells                            []string
}

// comparedRows are the columns of the text's table, all of them, with the probabilities.
func comparedRows(e memprof.Experiment) htmlCompared {
	t := htmlCompared{Words: columnWords(e)}
	if len(e.Answers) == 0 {
		return t
	}
	columns := answerColumns(e)[3:]
	for _, c := range columns {
		t.Heads = append(t.Heads, c.head)
	}
	t.Heads = slices.Insert(t.Heads, 1, "P")
	for i, c := range e.Answers {
		row := htmlComparedRow{Name: name(c.Name), When: plain(c.When), Verdict: answerWords(e, c), Class: effectClass(c.Verdict)}
		if c.Verdict == memprof.CannotTell {
			row.Need = needWords(c)
		}
		for _, column := range columns {
			row.Cells = append(row.Cells, strings.TrimSpace(column.cells[i]))
		}
		chance := dash
		if c.Saved.Known && known(c.Saved.Adjusted) {
			chance = probability(c.Saved.Adjusted)
		}
		row.Cells = slices.Insert(row.Cells, 1, chance)
		t.Rows = append(t.Rows, row)
	}
	return t
}

// htmlCleanup is all that is known of one cleanup.
type htmlCleanup struct {
	Name, When, Verdict, Class, Says string
	Texts                            []string
}

func cleanupParts(e memprof.Experiment) []htmlCleanup {
	var out []htmlCleanup
	for _, c := range e.Answers {
		part := htmlCleanup{Name: name(c.Name), When: plain(c.When), Verdict: effectWords(c.Verdict), Class: effectClass(c.Verdict), Says: sentence(c.Says)}
		if c.On.Metric != "" && c.On != e.Of {
			part.Texts = append(part.Texts, "decided by: "+seriesName(c.On))
		}
		part.Texts = append(part.Texts, cleanupDetails(c)...)
		for _, planned := range e.Plan.Cleanups {
			if planned.Name != c.Name {
				continue
			}
			part.Texts = append(part.Texts, "touches: "+orDash(planned.Touches)+reason("; its effect is ", planned.Carry, ""))
			if planned.Warning != "" && !slices.Contains(c.Notes, planned.Warning) {
				part.Texts = append(part.Texts, "warning: "+plain(planned.Warning))
			}
		}
		out = append(out, part)
	}
	return out
}

// armRows are the sets that were run: number, set, growth, flat or not, blocks, cycles.
func armRows(e memprof.Experiment) [][]string {
	arms := armsOf(e)
	var out [][]string
	for _, a := range e.Arms {
		out = append(out, []string{
			fmt.Sprint(arms.number(a.On)), armName(a.On, e.Plan), brief(e.Unit, a.Rate), growsWord(a), fmt.Sprint(a.Blocks), fmt.Sprint(a.Cycles),
		})
	}
	return out
}

// blockRows are the blocks in their order: number, replicate, set, cycles, growth, remark.
func blockRows(e memprof.Experiment) [][]string {
	arms := armsOf(e)
	var out [][]string
	for i, b := range e.Blocks {
		remark := ""
		if b.Again {
			remark = "the second without any cleanup"
		}
		if b.Dropped != "" {
			remark = "dropped: " + plain(b.Dropped)
		}
		cycles := dash
		if n := len(b.Cycles); n > 0 {
			cycles = fmt.Sprintf("%d to %d", b.Cycles[0].Cycle, b.Cycles[n-1].Cycle)
		}
		out = append(out, []string{
			fmt.Sprint(i + 1), fmt.Sprint(b.Replicate + 1), arms.name(arms.number(b.On)), cycles, brief(e.Unit, b.Rate), meanTook(b), remark,
		})
	}
	return out
}

// meanTook is how long a cycle of a block took that counts.
func meanTook(b memprof.BlockAnswer) string {
	sum, n := 0.0, 0.0
	for _, c := range b.Cycles {
		if !c.Wash && c.Took > 0 {
			sum, n = sum+float64(c.Took.Milliseconds()), n+1
		}
	}
	if n == 0 {
		return dash
	}
	return number(sum/n, 0) + " ms"
}

// htmlHeat is the table of all effects by metric and cleanup.
type htmlHeat struct {
	Heads []string
	Rows  []htmlHeatRow
}

// htmlHeatRow is one metric of it.
type htmlHeatRow struct {
	Label, Name, Unit, Baseline string
	Cells                       []htmlHeatCell
}

// htmlHeatCell is one effect; Class colours it the more, the more of the growth it is.
type htmlHeatCell struct{ Text, Class, Title string }

func heatOf(e memprof.Experiment) htmlHeat {
	t := htmlHeat{}
	for _, c := range e.Plan.Cleanups {
		t.Heads = append(t.Heads, name(c.Name))
	}
	for _, m := range e.Metrics {
		var all []memprof.Estimate
		for _, s := range m.Saved {
			all = append(all, s.Estimate)
		}
		in := inColumn(m.Unit, append(all, m.Baseline)...)
		row := htmlHeatRow{Label: seriesName(m.Series), Name: plain(m.Series.String()), Unit: strings.TrimSpace(in.name), Baseline: in.value(m.Baseline)}
		if row.Unit == "" {
			row.Unit = "count"
		}
		if !m.Grows {
			row.Baseline += " (does not grow)"
		}
		for _, s := range m.Saved[:min(len(m.Saved), len(t.Heads))] {
			cell := htmlHeatCell{in.value(s.Estimate), "e-" + effectClass(s.Verdict) + " " + heat(s, m), effectWords(s.Verdict) + ": " + brief(m.Unit, s.Estimate)}
			if known(s.Adjusted) {
				cell.Title += ", P " + probability(s.Adjusted)
			}
			row.Cells = append(row.Cells, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// heat is a class from h1 to h4: which quarter of the growth an effect is, or how many times what
// matters where nothing grows.
func heat(s memprof.Effect, m memprof.MetricEffects) string {
	whole := math.Abs(m.Baseline.Value)
	if !m.Grows || !m.Baseline.Known || whole == 0 {
		whole = 4 * m.Margin
	}
	part := math.Abs(s.Value) / whole
	if !s.Known || !known(part) {
		return "h1"
	}
	return fmt.Sprintf("h%d", int(math.Max(1, math.Min(4, math.Ceil(4*part)))))
}
