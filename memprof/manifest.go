package memprof

import (
	"encoding/json"
	"fmt"
	"time"
)

// Schema names the format of a recording.
const Schema = "ebb.recording/1"

// Manifest is the first line of a recording: what one must know to compare it with another. It
// never names the host.
type Manifest struct {
	Schema string `json:"schema"`
	// Ebb and Go are versions.
	Ebb string `json:"ebb,omitempty"`
	Go  string `json:"go,omitempty"`
	// Browsers are the Chromes known at the start; later ones follow as notes.
	Browsers []BrowserInfo `json:"browsers,omitempty"`
	Host     HostInfo      `json:"host"`
	// ConfigHash tells whether two recordings had the same configuration.
	ConfigHash string        `json:"config_hash,omitempty"`
	Level      Level         `json:"level"`
	Interval   time.Duration `json:"interval_ns"`
	// SpikeInterval is that of quick ticks; 0 means that there are none.
	SpikeInterval time.Duration `json:"spike_interval_ns,omitempty"`
	Start         time.Time     `json:"start"`
}

// BrowserInfo describes one Chrome.
type BrowserInfo struct {
	// ID is the one that subjects name.
	ID string `json:"id"`
	// Version is what Chrome calls itself, such as "HeadlessChrome/156.0.7000.1"; Flags are its
	// command line without the program.
	Version string   `json:"version"`
	Flags   []string `json:"flags"`
}

// BrowserNote is the name of a note that holds a BrowserInfo: ReadRecording adds it to the
// manifest.
const BrowserNote = "browser"

// HostInfo describes the machine and the limits that this program runs under.
type HostInfo struct {
	Kernel string `json:"kernel,omitempty"`
	CPUs   int    `json:"cpus,omitempty"`
	// Memory is the machine's, in bytes.
	Memory int64 `json:"memory_bytes,omitempty"`
	// Cgroup is "v1", "v2", "hybrid" (the memory controller is v1 beside a v2 tree) or "none".
	Cgroup string `json:"cgroup,omitempty"`
	// CgroupLimit is the memory limit in bytes; 0 means that there is none.
	CgroupLimit int64 `json:"cgroup_limit_bytes,omitempty"`
}

// Note is a line of a recording that is neither a reading nor a phase.
type Note struct {
	Time time.Time       `json:"time"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data,omitempty"`
}

func newNote(name string, data any) (Note, error) {
	n := Note{Time: time.Now(), Name: name}
	if data == nil {
		return n, nil
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return n, fmt.Errorf("note %q: encode its data: %w", name, err)
	}
	n.Data = raw
	return n, nil
}
