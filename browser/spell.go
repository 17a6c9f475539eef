package browser

import "time"

// spell is the time for which a script of one document has been seen to run.
type spell struct {
	first  map[int]time.Duration // what the main threads of Chrome's processes had taken at the first look, by pid
	last   map[int]threads       // the look before
	others map[int]bool          // processes that are not the tab's
}

// look notes what the threads of Chrome's processes have done, and returns how much of the processor the script
// has taken since the first look. The tab's process was asked something before each look, and has answered: one
// whose thread that hears has not run since the look before is another's. Of those that are left it is the one
// that took most; of all, where none is left, since the kernel then does not tell.
func (s *spell) look(now map[int]threads) (took time.Duration) {
	if s.first == nil {
		s.first, s.others = map[int]time.Duration{}, map[int]bool{}
		for pid, is := range now {
			s.first[pid] = is.main
		}
	} else {
		for pid := range s.first {
			if is, there := now[pid]; !there || is.ears == s.last[pid].ears {
				s.others[pid] = true
			}
		}
	}
	s.last = now
	for pid, then := range s.first {
		if !s.others[pid] || len(s.others) == len(s.first) {
			took = max(took, now[pid].main-then)
		}
	}
	return took
}
