package main

import (
	"time"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/store"
)

// runRow is a run as `ebb runs list --json` writes it. What is not known is left out.
type runRow struct {
	Run       int64          `json:"run"`
	Site      string         `json:"site"`
	State     store.RunState `json:"state"`
	Reason    store.Reason   `json:"reason"`
	Scheduled time.Time      `json:"scheduled_at"`
	NotBefore time.Time      `json:"not_before,omitzero"`
	Started   time.Time      `json:"started_at,omitzero"`
	Finished  time.Time      `json:"finished_at,omitzero"`
	Attempt   int            `json:"attempt"`
	Failures  int            `json:"failures"`
	Killed    int            `json:"killed,omitempty"`
	Missed    int            `json:"missed"`
	Pages     pageCounts     `json:"pages"`
	Items     itemCounts     `json:"items"`
	Class     crawl.Class    `json:"class,omitempty"`
	Error     string         `json:"error,omitempty"`
	Worker    string         `json:"worker,omitempty"`
}

type pageCounts struct {
	Queued  int `json:"queued"`
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

type itemCounts struct {
	New     int `json:"new"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
}

func runRowOf(r store.Run) runRow {
	return runRow{
		Run: r.ID, Site: r.Site, State: r.State, Reason: r.Reason, Scheduled: r.ScheduledAt, NotBefore: r.NotBefore,
		Started: r.Started, Finished: r.Finished, Attempt: r.Attempt, Failures: r.Failures, Killed: r.Killed, Missed: r.Missed,
		Pages: pageCounts(r.Pages), Items: itemCounts(r.Items), Class: r.Class, Error: r.Error, Worker: r.Worker,
	}
}

// pageRow is a page as `ebb runs show --json` writes it.
type pageRow struct {
	URL        string      `json:"url"`
	FinalURL   string      `json:"final_url,omitempty"`
	State      string      `json:"state"`
	Template   string      `json:"template,omitempty"`
	Depth      int         `json:"depth"`
	Parent     string      `json:"parent,omitempty"`
	Attempts   int         `json:"attempts"`
	Status     int         `json:"status,omitempty"`
	Title      string      `json:"title,omitempty"`
	Bytes      int64       `json:"bytes"`
	Items      int         `json:"items"`
	Duplicates int         `json:"duplicates"`
	Started    time.Time   `json:"started_at,omitzero"`
	DurationMS int64       `json:"duration_ms"`
	Class      crawl.Class `json:"class,omitempty"`
	Error      string      `json:"error,omitempty"`
}

func pageRowOf(p store.Page) pageRow {
	return pageRow{
		URL: p.URL, FinalURL: p.FinalURL, State: string(p.State), Template: p.Template, Depth: p.Depth, Parent: p.Parent,
		Attempts: p.Attempts, Status: p.Status, Title: p.Title, Bytes: p.Bytes, Items: p.ItemCount, Duplicates: p.Duplicates,
		Started: p.Started, DurationMS: p.Duration.Milliseconds(), Class: p.Class, Error: p.Error,
	}
}

// jobRow is a job as `ebb jobs list --json` writes it.
type jobRow struct {
	Job     int64     `json:"job"`
	Kind    string    `json:"kind"`
	Site    string    `json:"site"`
	Run     int64     `json:"run,omitempty"`
	State   string    `json:"state"`
	Created time.Time `json:"created_at"`
	Due     time.Time `json:"due_at"`
	Started time.Time `json:"started_at,omitzero"`
	Ended   time.Time `json:"ended_at,omitzero"`
	Worker  string    `json:"worker,omitempty"`
	Error   string    `json:"error,omitempty"`
}

func jobRowOf(j queue.Job) jobRow {
	return jobRow{
		Job: j.ID, Kind: j.Kind, Site: j.Site, Run: j.Run, State: j.State, Created: j.Created, Due: j.Due,
		Started: j.Started, Ended: j.Ended, Worker: j.Worker, Error: j.Error,
	}
}
