package report

import (
	_ "embed"
	"html/template"
	"io"
	"slices"

	"github.com/ebbworker/ebb/memprof"
)

// experimentStyle is what the page of an experiment has beside htmlStyle.
//
//go:embed html_experiment.css
var experimentStyle string

// ExperimentHTML writes the outcome of an experiment as one HTML file with plots, which loads nothing
// and runs no script. The same outcome gives the same bytes.
func ExperimentHTML(w io.Writer, e memprof.Experiment) error {
	return writePage(w, "experiment", newExperimentPage(e))
}

// experimentPage is what the template shows.
type experimentPage struct {
	htmlHead
	Kind          string
	Lead          []string
	Basis         string
	Figures       []htmlFigure
	Rules, Advice []string
	Off           string
	Answers       htmlCompared
	Forest        *htmlForest
	Benefit       *htmlBenefit
	Memory        []htmlArms
	Rest          []htmlAnswer
	Cleanups      []htmlCleanup
	Arms, Blocks  [][]string
	Heat          htmlHeat

	Plan, Manifest        [][2]string
	Command               string
	Warnings, NotMeasured []string
}

func newExperimentPage(e memprof.Experiment) experimentPage {
	kind, title := outcomeOf(e)
	p := experimentPage{
		htmlHead: htmlHead{title, template.CSS(htmlStyle + experimentStyle)}, Kind: kind, Basis: comparedWords(e),
		Figures: experimentFigures(e), Advice: plainAll(e.Advice), Answers: comparedRows(e), Forest: forestOf(e), Benefit: benefitPlot(e),
		Memory: memoryByArm(e), Cleanups: cleanupParts(e), Arms: armRows(e), Blocks: blockRows(e), Heat: heatOf(e),
		Command: experimentCommand(e), Warnings: plainAll(e.Warnings), NotMeasured: plainAll(e.NotMeasured),
		Manifest: setup{e.Ebb, e.Go, e.Browser, e.Flags, e.Host, e.Started, e.Duration, e.Sites}.rows(),
	}
	p.Manifest = append(p.Manifest, [2]string{"Format", memprof.ExperimentSchema})
	lead := []string{aboutCleanups(e, e.Headline)}
	if kind != outcomeBad {
		lead = append(lead, aboutCleanups(e, e.Recommended.Says))
		p.Rules, p.Off = namesOfCleanups(e.Recommended.Rules), joined(namesOfCleanups(e.Recommended.Off))
	}
	for _, text := range lead {
		if text != "" && !slices.Contains(p.Lead, text) {
			p.Lead = append(p.Lead, text)
		}
	}
	if e.Stopped != "" {
		p.Lead = append(p.Lead, "Ended before its plan: "+phrase(e.Stopped)+".")
	}
	for _, a := range []answer{recommendAnswer(e), sameAnswer(e), togetherAnswer(e), baselineAnswer(e)} {
		if len(a.texts) > 0 {
			p.Rest = append(p.Rest, htmlAnswer{experimentQuestions[a.label], a.texts})
		}
	}
	for _, row := range planRows(e) {
		if row[0] != againRow {
			p.Plan = append(p.Plan, row)
		}
	}
	return p
}

// experimentQuestions are the answers' labels in full.
var experimentQuestions = map[string]string{
	"recommend": "What to configure", "A/A": "Nothing against nothing", "together": "What they do together", "without": "Without any cleanup",
}

// experimentFigures are the numbers that one looks for first.
func experimentFigures(e memprof.Experiment) []htmlFigure {
	without := htmlFigure{"growth without any cleanup", dash, "not known"}
	if e.Baseline.Known {
		without.Value, without.Note = inParts(e.Unit, e.Baseline)
		without.Note = "a cycle; " + without.Note
	}
	with := htmlFigure{"growth as recommended", dash, "nothing is recommended"}
	cost := htmlFigure{"its cost", dash, "nothing is recommended"}
	if r := e.Recommended; rules(r) != "" && (e.Same == nil || !e.Same.Differs) {
		with.Note, cost.Note = "not known", "not known"
		if r.Rate.Known {
			with.Value, with.Note = inParts(e.Unit, r.Rate)
			with.Note = map[bool]string{true: "measured; ", false: "predicted; "}[r.Measured] + with.Note
		}
		if known(r.CostMs) {
			cost.Value, cost.Note = number(r.CostMs, digits(max(r.CostMs, -r.CostMs), 0, 0))+" ms", "a cycle"
		}
	}
	smallest := htmlFigure{"smallest visible effect", dash, "too few blocks to say"}
	if e.SmallestVisible > 0 && known(e.SmallestVisible) {
		smallest.Value, smallest.Note = threshold(e.Unit, e.SmallestVisible), "a cycle, found with 80 % power"
	}
	list := []htmlFigure{without, with, cost, smallest}
	if e.MoreCycles > 0 {
		list = append(list, htmlFigure{"more cycles", number(float64(e.MoreCycles), 0), "would settle what is undecided"})
	}
	return list
}
