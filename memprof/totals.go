package memprof

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Totals is what the readings of one moment add up to. A total that lacks a part (a page that
// did not answer, a process that could not be read) is missing, not smaller.
type Totals struct {
	Level Level `json:"level"`
	Tick  bool  `json:"tick,omitempty"`
	// Quick says that only what quick ticks keep was read.
	Quick bool `json:"quick,omitempty"`
	// Values holds the totals that were read.
	Values map[Series]float64 `json:"values"`
	// Missing names what could not be read in full: "heap.used", "process.pss/renderer", or a
	// family such as "perf.*"; sorted. The family of a witness, such as "page.*", spoils all
	// metrics that it witnesses.
	Missing []string `json:"missing,omitempty"`
}

// NewTotals adds up the readings that answered a request.
func NewTotals(q Request, readings []Reading) Totals {
	t := Totals{Level: q.Level, Tick: q.Tick, Quick: q.Quick, Values: make(map[Series]float64)}
	isolates := make(map[isolateKey]bool)
	for _, r := range readings {
		t.add(r, isolates)
	}
	slices.Sort(t.Missing)
	t.Missing = slices.Compact(t.Missing)
	return t
}

type isolateKey struct{ metric, browser, isolate string }

func (t *Totals) add(r Reading, isolates map[isolateKey]bool) {
	if r.Err != nil {
		if !errors.Is(r.Err, ErrGone) {
			t.Missing = append(t.Missing, missing(r))
		}
		return
	}
	row, ok := MetricOf(r.Metric)
	if !ok || !t.request().Wants(row) {
		return
	}
	if r.Subject.isControl() {
		t.Values[Series{r.Metric, ControlGroup}] += r.Value
		return
	}
	group := ""
	switch row.Scope {
	case PerProcess:
		group = r.Subject.Kind
		if group != Worker {
			t.Values[Series{r.Metric, Chrome}] += r.Value
		}
	case PerTarget:
		group = r.Subject.Kind
	case PerKind:
		group = r.Subject.Kind
		if group != "" {
			t.Values[Series{Metric: r.Metric}] += r.Value
		}
	case PerIsolate:
		key := isolateKey{r.Metric, r.Subject.Browser, r.Subject.Isolate}
		if r.Subject.Isolate != "" && isolates[key] {
			return
		}
		isolates[key] = true
	}
	t.Values[Series{r.Metric, group}] += r.Value
}

// request is what the totals were asked for.
func (t *Totals) request() Request { return Request{Level: t.Level, Tick: t.Tick, Quick: t.Quick} }

// byKind tells of a family whether the totals of some of its metrics are by kind.
var byKind = func() map[string]bool {
	families := make(map[string]bool)
	for _, row := range table {
		if row.Scope == PerProcess || row.Scope == PerTarget || row.Scope == PerKind {
			families[row.Family()] = true
		}
	}
	return families
}()

// missing names what a failed reading spoils: the totals of its kind where totals are by kind,
// those of the control where it is the control's, else the total.
func missing(r Reading) string {
	if r.Subject.isControl() {
		return r.Metric + "/" + ControlGroup
	}
	if !byKind[family(r.Metric)] || r.Subject.Kind == "" {
		return r.Metric
	}
	return r.Metric + "/" + r.Subject.Kind
}

// At returns a total, and whether it is known. A total over no subject at all (no renderer is
// running) is a true 0 if its source was read; what was not asked for, not read, or read in
// part is unknown.
func (t Totals) At(s Series) (value float64, ok bool) {
	row, known := MetricOf(s.Metric)
	if !known || t.spoilt(row, s.Group) {
		return 0, false
	}
	if value, ok = t.Values[s]; ok {
		return value, true
	}
	if row.Witness == "" || !t.request().Wants(row) {
		return 0, false
	}
	return 0, t.none(row, s.Group)
}

// none tells whether the source was read and found no subject of a group. A subject without a
// value is no zero.
func (t Totals) none(row Metric, group string) bool {
	if group == ControlGroup && row.Name != row.Witness {
		return false // what is planted is there, or has died with its browser: that is no 0
	}
	if row.Scope == PerProcess {
		if _, ok := t.Values[Series{row.Witness, Chrome}]; !ok || group == Worker {
			return false // this program always runs: no value is no reading
		}
		return t.Values[Series{row.Witness, group}] == 0
	}
	witness := Series{Metric: row.Witness}
	if row.Scope == PerIsolate && group == ControlGroup {
		witness.Group = ControlGroup
	}
	count, ok := t.Values[witness]
	return ok && (row.Scope != PerIsolate || count == 0)
}

func (t Totals) spoilt(row Metric, group string) bool {
	for _, name := range t.Missing {
		metric, kind, _ := strings.Cut(name, "/")
		if metric != row.Name && metric != row.Family() && metric != family(row.Witness) {
			continue
		}
		if spoils(row.Scope, kind, group) {
			return true
		}
	}
	return false
}

// spoils tells whether a failure of one kind ("" for all) leaves the total of a group incomplete.
func spoils(scope Scope, kind, group string) bool {
	switch {
	case kind == group:
		return true
	case kind == ControlGroup:
		return false
	case kind == "":
		// What failed of another page is nothing of the control's.
		return group != ControlGroup || scope != PerIsolate
	case group == Chrome:
		return kind != Worker
	}
	return group == "" && scope == PerKind
}

// MarshalText writes the series as String does, so that it can be the key of a JSON object.
func (s Series) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Series) UnmarshalText(text []byte) error {
	metric, group, _ := strings.Cut(string(text), "/")
	if metric == "" {
		return fmt.Errorf("series %q: no metric", text)
	}
	s.Metric, s.Group = metric, group
	return nil
}
