package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof/heap"
)

const heapLong = `Tell what the JavaScript heap of a page holds, and what grows in it.

With one file (.heapsnapshot, of Chrome's DevTools, of Node.js or of this command): the
constructors that keep most memory, DOM nodes outside of their document, functions by
the place of their source, strings that are there several times.

With several files, in the order in which they were taken of the same page: what grew
from each to the next. A path such as "window.cache : Map -> table" is the place that
holds what is new; "top level" are the variables of scripts.

With --url: open the page in Chrome, repeat the steps (or load the page again) twice to
warm up, take a snapshot, repeat them, take another, and so on, and tell what grew.
Taking one needs several times the heap in Chrome for a moment (see --max-heap).

What the browser itself is known to gather (performance entries, console messages,
compiled code) is marked with ~ and listed last.`

const heapExamples = `  ebb heap page.heapsnapshot
  ebb heap before.heapsnapshot after.heapsnapshot later.heapsnapshot
  ebb heap --url https://shop.example/ --steps steps.yaml --repeat 10
  ebb heap --url https://shop.example/ --out snapshots --sampling alloc.pb.gz
  ebb heap before.heapsnapshot after.heapsnapshot --json | jq '.diff.paths[0].path'

A file of steps is a list as a site file has under "steps:":
  - click: "#open"
  - wait: {selector: .dialog}
  - click: "#close"`

// heapOptions are the flags of `ebb heap`.
type heapOptions struct {
	url, steps, out, sampling string
	repeat, snapshots, top    int
	maxHeapMB                 int
	timeout                   time.Duration
	json                      bool
}

func newHeapCommand(a *app) *cobra.Command {
	o := &heapOptions{}
	cmd := &cobra.Command{
		Use:     "heap FILE [FILE...] | heap --url URL",
		Short:   "What a page's JavaScript heap holds, and what grows in it",
		Long:    heapLong,
		Example: heapExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args); err != nil {
				return err
			}
			// A snapshot is columns without pointers: to collect often costs little, and keeps what
			// is garbage already from taking as much memory again.
			defer debug.SetGCPercent(debug.SetGCPercent(20))
			ctx, stop := a.interruptible(cmd.Context())
			defer stop()
			if o.url != "" {
				return a.heapOfPage(ctx, o)
			}
			return a.heapOfFiles(args, o)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.url, "url", "", "open this `URL` in Chrome")
	flags.StringVar(&o.steps, "steps", "", "`file` of the steps to repeat (default: the page is loaded again)")
	flags.IntVar(&o.repeat, "repeat", 5, "how often they are repeated from one snapshot to the next")
	flags.IntVar(&o.snapshots, "snapshots", 3, "how many snapshots are taken; 2 or more")
	flags.StringVar(&o.out, "out", "", "keep the snapshots in this `folder`")
	flags.StringVar(&o.sampling, "sampling", "", "write which functions allocated what is alive to this pprof `file`")
	flags.IntVar(&o.maxHeapMB, "max-heap", 200, "take no snapshot of a heap of more than so many `MB`")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "bound on each repetition")
	flags.IntVar(&o.top, "top", 10, "how many rows of each list are shown")
	flags.BoolVar(&o.json, "json", false, "print JSON (schema ebb.heap/1)")
	return cmd
}

// pageFlags are the flags that are about a live page.
var pageFlags = []string{"steps", "repeat", "snapshots", "out", "sampling", "max-heap", "timeout"}

func (o *heapOptions) check(cmd *cobra.Command, args []string) error {
	switch {
	case o.url == "" && len(args) == 0:
		return usageErrorf("heap: name a .heapsnapshot file, or a page with --url")
	case o.url != "" && len(args) > 0:
		return usageErrorf("heap: either files or --url; %q is a file", args[0])
	}
	if o.url == "" {
		for _, name := range pageFlags {
			if cmd.Flags().Changed(name) {
				return usageErrorf("--%s has no effect without --url", name)
			}
		}
	}
	for _, limit := range []struct {
		name  string
		value int
		least int
	}{{"repeat", o.repeat, 1}, {"snapshots", o.snapshots, 2}, {"top", o.top, 1}, {"max-heap", o.maxHeapMB, 1}} {
		if limit.value < limit.least {
			return usageErrorf("--%s must be %d or more", limit.name, limit.least)
		}
	}
	if o.timeout < time.Second || o.timeout > time.Hour {
		return usageErrorf("--timeout %s: give 1s to 1h", o.timeout)
	}
	if err := checkFolder("--out", o.out); err != nil {
		return err
	}
	return checkOutput("--sampling", o.sampling)
}

// heapSchema names the form of the JSON.
const heapSchema = "ebb.heap/1"

// heapReport is the JSON of `ebb heap`.
type heapReport struct {
	Schema string   `json:"schema"`
	Files  []string `json:"files,omitempty"` // those that were given, or kept with --out
	// URL, Repeat and Sampling are those of a live page: its address, how often the steps were
	// repeated from one snapshot to the next, and the file of the profile.
	URL      string `json:"url,omitempty"`
	Repeat   int    `json:"repeat,omitempty"`
	Sampling string `json:"sampling,omitempty"`
	// Summary is what the one snapshot holds, Diff what grew between several.
	Summary *heap.Summary `json:"summary,omitempty"`
	Diff    *heap.Diff    `json:"diff,omitempty"`
}

// heapOfFiles tells of one or more files. What is wrong with them has exit code 2.
func (a *app) heapOfFiles(paths []string, o *heapOptions) error {
	report := heapReport{Schema: heapSchema, Files: paths}
	if len(paths) == 1 {
		s, err := heap.Open(paths[0], heap.Options{})
		if err != nil {
			return withCode(exitUsage, err)
		}
		report.Summary = s.Summarize(heap.SummaryOptions{Top: o.top})
	} else {
		var err error
		if report.Diff, err = compareHeaps(paths, o.top); err != nil {
			return withCode(exitUsage, err)
		}
	}
	return a.writeHeapReport(&report, o)
}

// compareHeaps reads files one after the other, two at most at a time.
func compareHeaps(paths []string, top int) (*heap.Diff, error) {
	c := heap.NewComparison(heap.CompareOptions{Top: top})
	for _, path := range paths {
		s, err := heap.Open(path, heap.Options{})
		if err != nil {
			return nil, err
		}
		if err := c.Add(path, s); err != nil {
			return nil, err
		}
	}
	return c.Diff()
}

// writeHeapReport prints a report as JSON or for a person.
func (a *app) writeHeapReport(report *heapReport, o *heapOptions) error {
	if o.json {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		if _, err := a.stdout.Write(output.CleanJSON(text.Bytes())); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		return nil
	}
	text := &heapText{out: a.out()}
	if report.Summary != nil {
		text.summary(report)
	} else {
		text.diff(report)
	}
	return text.write()
}
