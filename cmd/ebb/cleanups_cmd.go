package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
)

func newCleanupsCommand(a *app) *cobra.Command {
	var asJSON, how bool
	cmd := &cobra.Command{
		Use:   "cleanups",
		Short: "List the cleanups: what each touches, and how",
		Long: `List every cleanup: what it acts on, how its effect carries over into later cycles
(transient: it lowers the level only; resetting: doing it once clears all that has
gathered; lasting: later cycles run in something younger), what it touches, and what to
know before using it. What they give back on your pages, and what that costs, is for
'ebb experiment' to tell.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.cleanupsJSON()
			}
			return a.cleanupsText(how)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	cmd.Flags().BoolVar(&how, "how", false, "show the calls that do it")
	return cmd
}

// cleanupLabels is the width of the labels of cleanupsText.
const cleanupLabels = 9

func (a *app) cleanupsText(how bool) error {
	o := &outline{out: a.out()}
	for _, c := range browser.Cleanups() {
		o.line(fmt.Sprintf("%s  %s, %s", paint(o.out, styleBold, c.Name), c.Reach, c.Carry))
		o.add(2, cleanupLabels, "touches", c.Touches)
		o.add(2, cleanupLabels, "know", c.Warning)
		if how {
			o.add(2, cleanupLabels, "how", c.How)
		}
	}
	return o.write()
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
