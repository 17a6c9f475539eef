// Package bench measures what a scrape costs, and how far it is from what Chrome itself allows.
package bench

import (
	"context"
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
)

// Arm is one way of doing the job, which is measured in a process of its own.
type Arm struct {
	// Name is what it is called within its comparison.
	Name string
	// Level is how much of Ebb takes part.
	Level Level
	// Isolation is what the tabs share. Default: "", the level's own: tab for LevelCrawl, the site's
	// default for LevelWhole. LevelBare knows none.
	Isolation string
	// Frames is when pages are drawn. Default: "", the site's default, lazily.
	Frames string
	// Viewport is that of the pages of LevelBare, width x height in CSS pixels, as in 800x600, by an override.
	// Default: "", Chrome's window, without one.
	Viewport string
	// Set are settings of the configuration, each key=value. Default: none.
	Set []string
	// Marks is after how many pages a whole worker tells how far a round is. Default: 0, it does not.
	Marks int
}

// Level is how much of Ebb takes part in an arm.
type Level string

const (
	// LevelBare is a loop over Chrome's pipe, without anything of Ebb but a template's program: the limit.
	LevelBare Level = "bare"
	// LevelCrawl is browser.Pool and crawl.Run: no queue, no store, no guard, no profiling.
	LevelCrawl Level = "crawl"
	// LevelWhole is a whole worker: queue, database, egress guard, profiling, cleanups.
	LevelWhole Level = "whole"
)

// Round is what an arm says of one pass over the pages.
type Round struct {
	Pages int `json:"pages"`
	Items int `json:"items"`
	// Wrong says of each item that is wrong, missing or too many what it is.
	Wrong []string `json:"wrong,omitempty"`
	// Took is from the first page's turn until the last one is done, with all that belongs to a run.
	Took   time.Duration `json:"took_ns"`
	Stages Stages        `json:"stages_ns"`
}

// Stages are the times of all pages of a round, by stage. They are those of crawl.Stages.
type Stages struct {
	Lease    time.Duration `json:"lease"`
	Navigate time.Duration `json:"navigate"`
	Wait     time.Duration `json:"wait"`
	Extract  time.Duration `json:"extract"`
	Store    time.Duration `json:"store"`
	Cleanup  time.Duration `json:"cleanup"`
}

// Add adds the stages of a page.
func (s *Stages) Add(of crawl.Stages) {
	s.Lease += of.Lease
	s.Navigate += of.Navigate
	s.Wait += of.Wait
	s.Extract += of.Extract
	s.Store += of.Store
	s.Cleanup += of.Cleanup
}

// sum is the time of all stages.
func (s Stages) sum() time.Duration {
	return s.Lease + s.Navigate + s.Wait + s.Extract + s.Store + s.Cleanup
}

// Runner makes the rounds of an arm, one after the other.
type Runner interface {
	Round(ctx context.Context) (Round, error)
}
