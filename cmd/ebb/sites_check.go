package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

func newSitesCheckCommand(a *app) *cobra.Command {
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "check [FILE|FOLDER...]",
		Short: "Check site files, and show what was understood",
		Long: `Check the site files of the configuration, or those named: say all that is wrong
with them as file:line:column, what is odd, and what was understood of the sites that
are right. No page is opened. The exit code is 2 when anything is wrong; warnings
alone are no reason.

Of an item's fields, price number is one number, [url] a list of URLs, {...} an object,
and sku! is required.`,
		RunE: func(_ *cobra.Command, paths []string) error {
			loaded, err := a.siteFiles(paths)
			faults, other := splitFaults(err)
			report := checkReport{sites: loaded, faults: faults}
			for _, site := range loaded {
				report.warnings = append(report.warnings, site.Warnings()...)
			}
			if asJSON {
				err = report.writeJSON(a)
			} else if len(loaded)+len(faults) > 0 {
				err = report.write(a.out(), quiet)
			} else {
				err = nil
			}
			return firstError(err, other, report.verdict())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write faults and warnings as JSON, one object a line")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "do not show what was understood")
	return cmd
}

// splitFaults parts what is wrong within site files from the rest of LoadAll's error,
// such as files that cannot be read.
func splitFaults(err error) (sites.Faults, error) {
	var coded *exitError
	if errors.As(err, &coded) {
		err = coded.err
	}
	var faults sites.Faults
	if !errors.As(err, &faults) {
		return nil, withCode(exitUsage, err)
	}
	var others []error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			var f sites.Faults
			if !errors.As(one, &f) {
				others = append(others, one)
			}
		}
	}
	return faults, withCode(exitUsage, errors.Join(others...))
}

// checkReport is what `sites check` found.
type checkReport struct {
	sites            []*sites.Site
	faults, warnings sites.Faults
}

// verdict is the command's error once everything has been said.
func (r checkReport) verdict() error {
	if len(r.faults) > 0 {
		return &exitError{code: exitUsage}
	}
	return nil
}

// write shows the sites that are right, then all faults and warnings, then their
// number.
func (r checkReport) write(out output.Terminal, quiet bool) error {
	o := &outline{out: out}
	now := time.Now()
	for _, site := range r.sites {
		if quiet {
			break
		}
		describeSite(o, site, blockedByFlags(r.sites), now)
		o.line("")
	}
	for _, fault := range r.faults {
		addFault(o, fault, "")
	}
	for _, warning := range r.warnings {
		addFault(o, warning, "warning: ")
	}
	if len(r.faults)+len(r.warnings) > 0 {
		o.line("")
	}
	o.line(r.summary(out))
	return o.write()
}

// addFault writes a fault as one line that editors understand; on a terminal it is
// wrapped.
func addFault(o *outline, fault sites.Fault, kind string) {
	place := faultPlace(fault)
	text := output.CleanLine(strings.TrimPrefix(fault.String(), place))
	text = strings.TrimPrefix(text, " ")
	if !o.out.TTY {
		o.line(output.CleanLine(place) + " " + kind + text)
		return
	}
	o.line(strings.TrimSuffix(paint(o.out, styleBold, output.CleanLine(place))+" "+paint(o.out, styleWarn, strings.TrimSuffix(kind, " ")), " "))
	o.add(4, 0, "", text)
}

// faultPlace is the beginning of a fault's line, up to the colon after its place.
func faultPlace(fault sites.Fault) string {
	place := sites.Fault{File: fault.File, Line: fault.Line, Column: fault.Column}.String()
	return strings.TrimSuffix(place, " ")
}

func (r checkReport) summary(out output.Terminal) string {
	style := styleGood
	files := map[string]bool{}
	for _, fault := range r.faults {
		files[fault.File] = true
	}
	faults := plural(len(r.faults), "fault")
	if len(files) > 1 {
		faults += fmt.Sprintf(" in %d files", len(files))
	}
	if len(r.faults) > 0 {
		style = styleBad
	} else if len(r.warnings) > 0 {
		style = styleWarn
	}
	text := fmt.Sprintf("%s, %s, %s", plural(len(r.sites), "site"), faults, plural(len(r.warnings), "warning"))
	return paint(out, style, text)
}

// writeJSON writes faults and warnings for programs.
func (r checkReport) writeJSON(a *app) error {
	for _, list := range []struct {
		severity string
		faults   sites.Faults
	}{{"fault", r.faults}, {"warning", r.warnings}} {
		for _, f := range list.faults {
			row := struct {
				Severity string `json:"severity"`
				File     string `json:"file"`
				Line     int    `json:"line"`
				Column   int    `json:"column"`
				Path     string `json:"path"`
				Message  string `json:"message"`
				Hint     string `json:"hint,omitempty"`
			}{list.severity, f.File, f.Line, f.Column, f.Path, f.Message, f.Hint}
			if err := writeJSONLine(a.stdout, row); err != nil {
				return err
			}
		}
	}
	return nil
}
