package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof"
)

// experimentCommand is the command that runs an experiment again: the same sites, cleanups and order of
// the blocks.
func experimentCommand(e memprof.Experiment) string {
	p := e.Plan
	words := []string{"ebb", "experiment"}
	for _, s := range e.Sites {
		words = append(words, quoted(s))
	}
	var cleanups []string
	for _, c := range p.Cleanups {
		cleanups = append(cleanups, c.Name+"="+c.When)
	}
	words = append(words, "--cleanups", quoted(strings.Join(cleanups, ",")))
	words = append(words, designFlags(designOf(p))...)
	if cycles := cyclesOf(p); cycles > 0 {
		words = append(words, fmt.Sprintf("--cycles %d", cycles))
	}
	if p.Open {
		words = append(words, "--until-certain")
	}
	if p.Parallel {
		words = append(words, "--parallel")
	}
	if p.Settle > 0 {
		words = append(words, "--settle "+p.Settle.String())
	}
	return strings.Join(append(words, fmt.Sprintf("--seed %d", p.Seed)), " ")
}

// designOf are the options, but for the cycles, that lead to a plan of this scheme.
func designOf(p memprof.ExperimentPlan) memprof.DesignOptions {
	o := memprof.DesignOptions{Cleanups: p.Cleanups, Seed: p.Seed, UntilCertain: p.Open, Design: memprof.DesignCrossover}
	if p.Fresh {
		o.Design = memprof.DesignFresh
	}
	lasting := slices.ContainsFunc(p.Cleanups, func(c memprof.PlannedCleanup) bool { return c.Carry == "lasting" })
	switch {
	case p.Scheme == memprof.SchemeOneByOne:
		o.Each = true
	case p.Scheme == memprof.SchemeLeaveOneOut:
		o.All = true
	case p.Fresh != lasting: // asked for: the scheme followed from the number of cleanups
	case p.Scheme == memprof.SchemeFactorial:
		o.Design = memprof.DesignFactorial
	default:
		o.Design = memprof.DesignFractional
	}
	return o
}

// designFlags are the flags of these options.
func designFlags(o memprof.DesignOptions) []string {
	var flags []string
	switch {
	case o.Each:
		flags = append(flags, "--each")
	case o.All:
		flags = append(flags, "--all")
	}
	return append(flags, "--design", string(o.Design))
}

// cyclesOf is how many cycles to ask for, so that the plan comes out the same; 0 for as many as
// memprof.PlanExperiment takes by itself. It does not ask that, which takes its time.
func cyclesOf(p memprof.ExperimentPlan) int {
	const warmUp, few = 5, 8
	usual, standard := 4, 3
	if p.Fresh {
		usual = 6
	}
	if len(p.Blocks) > few*p.Replicates() {
		standard = 2
	}
	if p.Cycles == usual && (p.Open || p.WarmUp == warmUp && p.Replicates() == standard) {
		return 0
	}
	return p.Total()
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,@", r)
	}
	if word != "" && strings.TrimFunc(word, safe) == "" && !strings.HasPrefix(word, "-") {
		return word
	}
	return "'" + strings.ReplaceAll(plain(word), "'", `'\''`) + "'"
}
