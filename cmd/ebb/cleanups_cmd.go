package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

func newCleanupsCommand(a *app) *cobra.Command {
	var asJSON, how bool
	cmd := &cobra.Command{
		Use:   "cleanups",
		Short: "List the cleanups: what each touches, and how",
		Long: `List every cleanup: what it touches, how its effect carries over into later cycles
(transient: it lowers the level only; resetting: doing it once clears all that has
gathered; lasting: later cycles run in something younger), and what to know before using
it. What they give back on your pages, and what that costs, is for 'ebb experiment' to
tell.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.cleanupsJSON()
			}
			return a.cleanupsTable(how)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.Flags().BoolVar(&how, "how", false, "show the calls that do it")
	return cmd
}

func (a *app) cleanupsTable(how bool) error {
	last := output.Column{Title: "KNOW"}
	if how {
		last.Title = "HOW"
	}
	table := output.NewTable(output.Column{Title: "NAME", Keep: true}, output.Column{Title: "ACTS ON", Keep: true},
		output.Column{Title: "CARRIES OVER", Keep: true}, output.Column{Title: "TOUCHES"}, last)
	for _, c := range browser.Cleanups() {
		more := c.Warning
		if how {
			more = c.How
		}
		table.Add(c.Name, string(c.Reach), string(c.Carry), c.Touches, more)
	}
	return table.Write(a.out())
}

func (a *app) cleanupsJSON() error {
	out := json.NewEncoder(a.stdout)
	out.SetEscapeHTML(false)
	for _, c := range browser.Cleanups() {
		row := struct {
			Name    string `json:"name"`
			Acts    string `json:"acts_on"`
			Carries string `json:"carries_over"`
			Touches string `json:"touches"`
			How     string `json:"how"`
			Warning string `json:"warning,omitempty"`
		}{c.Name, string(c.Reach), string(c.Carry), c.Touches, c.How, c.Warning}
		if err := out.Encode(row); err != nil {
			return fmt.Errorf("write the cleanups: %w", err)
		}
	}
	return nil
}
