package memprof

import "fmt"

// Level says how much is measured.
type Level int

const (
	// LevelOff measures nothing; NewRecorder then returns a nil *Recorder.
	LevelOff Level = iota
	// LevelCheap measures what costs less than about 2 ms: counts, Performance.getMetrics,
	// Runtime.getHeapUsage, /proc/PID/status, the cgroup's current use and limit, the Go
	// runtime. Ticks are always read at this level.
	LevelCheap
	// LevelFull adds to the readings at phase boundaries what is dearer: PSS, open files and
	// sockets, DOM counters, the heaps of workers and other isolates, what origins store, cookies,
	// the cgroup's statistics and pressure, the host, the bytes of profile folders and of the
	// database.
	LevelFull
)

var levelNames = [...]string{LevelOff: "off", LevelCheap: "cheap", LevelFull: "full"}

// String returns "off", "cheap" or "full".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levelNames[l]
}

// ParseLevel is the inverse of String.
func ParseLevel(s string) (Level, error) {
	for l, name := range levelNames {
		if name == s {
			return Level(l), nil
		}
	}
	return LevelOff, fmt.Errorf("memory level %q: must be off, cheap or full", s)
}

// MarshalText writes the level as its name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *Level) UnmarshalText(text []byte) error {
	parsed, err := ParseLevel(string(text))
	if err != nil {
		return err
	}
	*l = parsed
	return nil
}
