package memprof

import (
	"encoding/json"
	"time"
)

// DeathMemory is the kind of a death by the kernel, for want of memory, as package browser names it.
const DeathMemory = "out of memory"

// DeathReport tells of a process of Chrome that died unasked.
type DeathReport struct {
	// Kind is DeathMemory, or another way to die.
	Kind string `json:"kind"`
	// Main says that Chrome's main process died, and all of its pages with it; else it was the
	// renderer of a page of Site that showed URL, or, without both, a process of no page.
	Main bool   `json:"main,omitempty"`
	Site string `json:"site,omitempty"`
	URL  string `json:"url,omitempty"`
	// Stage and Cycle are the name and number of the cycle of a diagnosis; "" and 0 outside of one.
	Stage string `json:"stage,omitempty"`
	Cycle int    `json:"cycle,omitempty"`
	// Gone are the processes that had ended, as they were seen last, and Held what all processes
	// held then, at Looked; the largest first. Empty where nothing was seen of them.
	Gone   []ProcessMemory `json:"gone,omitempty"`
	Held   []ProcessMemory `json:"held,omitempty"`
	Looked time.Time       `json:"looked,omitzero"`
}

// ProcessMemory is the anonymous memory of one process, in bytes.
type ProcessMemory struct {
	PID     int     `json:"pid"`
	Process string  `json:"process"`
	Bytes   float64 `json:"bytes"`
}

// death is a DeathReport with its time.
type death struct {
	DeathReport
	at time.Time
}

// byKernel says whether it counts for the verdict: snapshots and dumps take memory that no production
// needs, so what they bring about does not.
func (d death) byKernel() bool {
	return d.Kind == DeathMemory && (d.Stage == "" || d.Stage == JudgedCycle)
}

func (t *Tally) death(n Note) error {
	d := death{at: n.Time}
	if err := json.Unmarshal(n.Data, &d.DeathReport); err != nil {
		return err
	}
	if d.Cycle == 0 {
		d.Cycle = t.judged + 1
	}
	if len(t.deaths) < maxNotes {
		t.deaths = append(t.deaths, d)
	}
	return nil
}

// Kills is what the kernel killed for want of memory.
type Kills struct {
	// Times is how often, in Cycles of Of cycles.
	Times  int `json:"times"`
	Cycles int `json:"cycles"`
	Of     int `json:"of_cycles"`
	// Limit is the memory that there was, in bytes, and LimitIs whose limit that is; 0 if unknown.
	Limit   float64 `json:"limit_bytes,omitempty"`
	LimitIs string  `json:"limit_is,omitempty"`
	// Kills are the first of them.
	Kills []Kill `json:"kills"`
}

// Kill is one process that the kernel killed for want of memory, and what led to it.
type Kill struct {
	Cycle int `json:"cycle"`
	// Phases are those that ran then: "scrape shop".
	Phases []string `json:"phases,omitempty"`
	// Process is the type of what was killed, Site and URL the page that it showed; "" for none.
	Process string `json:"process"`
	Site    string `json:"site,omitempty"`
	URL     string `json:"url,omitempty"`
	// Bytes is what it held when it was seen last; 0 if it never was. Holder is the type of the
	// process that held most then, which the kernel need not take, and Held what that held.
	Bytes  float64 `json:"bytes,omitempty"`
	Holder string  `json:"holder,omitempty"`
	Held   float64 `json:"held_bytes,omitempty"`
	// Total is what all processes of Chrome and the worker held, and By the parts of it by type.
	Total float64            `json:"total_bytes,omitempty"`
	By    map[string]float64 `json:"by_process,omitempty"`
	// Before is what Chrome held when the cycle began; 0 if unknown.
	Before float64 `json:"before_bytes,omitempty"`
	// Velocity is how fast the processes of the holder's type rose at last, in bytes a second, over
	// Over seconds; 0 if too little was read.
	Velocity float64 `json:"velocity_bytes_per_second,omitempty"`
	Over     float64 `json:"over_seconds,omitempty"`
	// Shape is Spiked where most of it came within the cycle, Linear where it came over the
	// cycles before; "" if unknown.
	Shape Shape `json:"shape,omitempty"`
}
