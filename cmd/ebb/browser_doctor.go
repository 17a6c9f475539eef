package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

const doctorLong = `Look at everything that Chrome needs from this machine: the executable and who may
start it, its sandbox, shared memory, fonts, memory, files. Last, Chrome is started as
the worker would, and its renderers' sandbox is read from /proc.

The exit code is 4 when a check fails; warnings alone are no reason.`

// newDoctorCommand is `ebb doctor`, and `ebb browser doctor` too: the second name is where one looks who
// has just installed a Chrome.
func newDoctorCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine the machine, and start Chrome once",
		Long:  doctorLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			ctx, stop := a.interruptible(cmd.Context())
			defer stop()
			checks := browser.Doctor(ctx, browser.DoctorOptions{
				Find: a.findOptions(settings), User: settings.Browser.User,
				Start:   a.startOnce,
				Timeout: settings.Timeouts.Start + time.Minute,
			})
			if ctx.Err() != nil {
				return errors.New("the examination was interrupted")
			}
			if asJSON {
				err = a.writeChecks(checks)
			} else {
				err = showChecks(a.out(), checks)
			}
			if err == nil && countChecks(checks, browser.Fail) > 0 {
				err = &exitError{code: exitNoBrowser}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// startOnce starts Chrome with one tab and looks at its sandbox.
func (a *app) startOnce(ctx context.Context) (version string, sandboxed bool, err error) {
	err = a.withPool(ctx, &sites.Site{Name: "doctor"}, func(pool *browser.Pool) error {
		lease, err := pool.Acquire(ctx, browser.LeaseOptions{Site: "doctor", Run: "doctor"})
		if err != nil {
			return err
		}
		chrome := lease.Browser()
		report, err := chrome.Sandbox()
		version, sandboxed = strings.TrimPrefix(chrome.Version(), "HeadlessChrome/"), report.Sandboxed()
		return errors.Join(err, lease.Release(ctx, nil))
	})
	return strings.TrimPrefix(version, "Chrome/"), sandboxed, err
}

func countChecks(checks []browser.Check, status browser.Status) int {
	n := 0
	for _, check := range checks {
		if check.Status == status {
			n++
		}
	}
	return n
}

// showChecks prints the checks, with advice below those that need it.
func showChecks(out output.Terminal, checks []browser.Check) error {
	text := &outline{out: out}
	labels := 0
	for _, check := range checks {
		labels = max(labels, len(check.Name))
	}
	labels += 2
	for _, check := range checks {
		style := styleGood
		switch check.Status {
		case browser.Warn:
			style = styleWarn
		case browser.Fail:
			style = styleBad
		}
		status := paint(out, style, fmt.Sprintf("%-4s", check.Status))
		text.add(0, 6+labels, status+"  "+check.Name, check.Finding)
		text.add(6+labels, 2, "→", check.Advice)
	}
	text.line("")
	summary := fmt.Sprintf("%d ok, %s, %d failed", countChecks(checks, browser.OK),
		plural(countChecks(checks, browser.Warn), "warning"), countChecks(checks, browser.Fail))
	text.line(paint(out, styleBold, summary))
	return text.write()
}

func (a *app) writeChecks(checks []browser.Check) error {
	for _, check := range checks {
		row := struct {
			Name    string         `json:"name"`
			Status  browser.Status `json:"status"`
			Finding string         `json:"finding"`
			Advice  string         `json:"advice,omitempty"`
		}{check.Name, check.Status, check.Finding, check.Advice}
		if err := writeJSONLine(a.stdout, row); err != nil {
			return err
		}
	}
	return nil
}
