package main

import (
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites/leaky"
)

// listCases prints the pages that a self-test diagnoses, with what is true of each.
func (a *app) listCases(cases []leaky.Case) error {
	table := output.NewTable(output.Column{Title: "PAGE", Keep: true}, output.Column{Title: "VERDICT"},
		output.Column{Title: "CAUSE"}, output.Column{Title: "WHAT IT DOES", Max: 200})
	for _, c := range cases {
		table.Add(c.Name, c.Verdict, c.Cause, c.Means)
	}
	return table.Write(a.out())
}
