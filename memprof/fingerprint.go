package memprof

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// fingerprint names the leak so that it is known again, and says what earlier recordings of the
// folder showed.
func (g *diagnosing) fingerprint() {
	d := g.d
	seen := map[string]*KnownLeak{}
	first := map[string]time.Time{}
	latest := "" // of these sites; the recordings are in the order of their times
	for _, e := range g.t.earlier {
		if !sameSites(e.Sites, d.Sites) {
			continue
		}
		latest = e.Fingerprint
		if e.Fingerprint == "" {
			continue
		}
		k := seen[e.Fingerprint]
		if k == nil {
			k = &KnownLeak{ID: e.Fingerprint, Cause: e.Cause, Says: e.Says, Last: e.Time}
			seen[e.Fingerprint] = k
		}
		k.Seen++
		if at, ok := first[e.Fingerprint]; !ok || e.Time.Before(at) {
			first[e.Fingerprint] = e.Time
		}
		if e.Time.After(k.Last) {
			k.Last, k.Says = e.Time, e.Says
		}
	}
	switch d.Verdict {
	case Leak, Growing, Step:
		d.Fingerprint = newFingerprint(d.Of.Metric, d.Process, d.Phase, string(d.Cause), g.topClass())
	case Invalid, Inconclusive:
		return // nothing can be said to be gone
	}
	if k := seen[d.Fingerprint.ID]; k != nil {
		d.Fingerprint.State, d.Fingerprint.Seen, d.Fingerprint.First = "known", k.Seen, first[k.ID]
	}
	if latest != "" && latest != d.Fingerprint.ID && seen[latest].Cause != d.Cause {
		d.Gone = append(d.Gone, *seen[latest])
	}
}

// newFingerprint is that of a leak which nobody has seen before.
func newFingerprint(of ...string) Fingerprint {
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	return Fingerprint{ID: hex.EncodeToString(sum[:6]), State: "new", Of: of}
}

// sameSites tells whether two recordings were of the same sites.
func sameSites(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// topClass is the class that grew most, is no known artefact, and has a name of the page's own: what
// V8 names in parentheses is part of something else.
func (g *diagnosing) topClass() string {
	if g.t.heap == nil {
		return ""
	}
	for _, c := range g.t.heap.Classes {
		if c.Artefact == "" && !strings.HasPrefix(c.Name, "(") {
			return c.Name
		}
	}
	return ""
}
