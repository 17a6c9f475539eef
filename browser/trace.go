package browser

// maxTraces is how many runs that have ended are remembered, for cleanups that follow them.
const maxTraces = 32

// trace is what a run has used: it is remembered for the run's cleanups, for a while after its end too.
// The pool's mu guards it.
type trace struct {
	site, run string
	isolation Isolation // of its latest lease
	own       bool      // its site's tabs live in a context of the site's own
	tabs      bool      // it has had tabs that its site keeps
	leave     bool      // they are to keep their documents at its end
	ended     bool
	grounds   map[ground]bool // where its tabs were
	touched   touched
}

// blanks says whether the tabs of the run's site leave their documents at its end.
func (t *trace) blanks() bool { return t.tabs && !t.leave }

// traceOf returns the trace of a lease's run. The caller holds mu.
func (p *Pool) traceOf(o LeaseOptions) *trace {
	t := p.findTrace(o.Site, o.Run)
	if t == nil {
		t = &trace{site: o.Site, run: o.Run, grounds: map[ground]bool{}}
		p.traces = append(p.traces, t)
	}
	t.isolation, t.own, t.ended = o.Isolation, o.siteOwn(), false
	if o.Isolation == IsolateTab && o.Keep == "" {
		t.tabs, t.leave = true, t.leave || o.LeaveDocuments
	}
	return t
}

func (p *Pool) findTrace(site, run string) *trace {
	for _, t := range p.traces {
		if t.site == site && t.run == run {
			return t
		}
	}
	return nil
}

// endTraces returns the traces of a run that ends now, and forgets the oldest of those that have
// ended. The caller holds mu.
func (p *Pool) endTraces(run string) []*trace {
	var ending []*trace
	ended := 0
	for _, t := range p.traces {
		if t.run == run && !t.ended {
			t.ended = true
			ending = append(ending, t)
		}
		if t.ended {
			ended++
		}
	}
	kept := p.traces[:0]
	for _, t := range p.traces {
		if t.ended && ended > maxTraces {
			ended--
			continue
		}
		kept = append(kept, t)
	}
	clear(p.traces[len(kept):])
	p.traces = kept
	return ending
}
