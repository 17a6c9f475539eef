package worker

import (
	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
)

// stage is what a diagnosis is at: the name and the number of a cycle.
type stage struct {
	name  string
	cycle int
}

// NoteDeath records a process of Chrome that died unasked, with what the processes held before, as far
// as that was read. It is fit for browser.LaunchOptions.OnDeath.
func (m *Memory) NoteDeath(d browser.Death) error {
	kind := "renderer"
	if d.Main {
		kind = "browser"
	}
	return m.noteDeath(memprof.DeathReport{Kind: string(d.Kind), Main: d.Main, Site: d.Site, URL: d.URL}, kind)
}

// aloneKinds are the types of Chrome's processes of whose death Chrome itself tells nobody.
var aloneKinds = []string{"gpu-process", "network", "storage", "audio", "utility", "zygote", "crashpad", "other"}

// NoteKill records what the kernel has killed, where that is a process of whose death Chrome does not
// tell, and returns its type; "" where it is none that was seen. It is fit for linux.Kills.OnKill.
func (m *Memory) NoteKill() (kind string, err error) {
	if m.seen == nil {
		return "", nil
	}
	gone, _, _ := m.seen.Ended(aloneKinds...)
	if len(gone) == 0 {
		return "", nil
	}
	return gone[0].Process, m.noteDeath(memprof.DeathReport{Kind: memprof.DeathMemory}, aloneKinds...)
}

func (m *Memory) noteDeath(r memprof.DeathReport, kinds ...string) error {
	if m.Recorder == nil {
		return nil
	}
	if at := m.stage.Load(); at != nil {
		r.Stage, r.Cycle = at.name, at.cycle
	}
	r.Gone, r.Held, r.Looked = m.seen.Ended(kinds...)
	r.Gone, r.Held = r.Gone[:min(len(r.Gone), maxNoted)], r.Held[:min(len(r.Held), maxNoted)]
	return m.Recorder.Note(memprof.DeathNote, r)
}

// maxNoted bounds how many processes one note lists: what is left out is small.
const maxNoted = 32
