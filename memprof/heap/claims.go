package heap

// claims divides the new objects among the places that lead to them.
type claims struct {
	s       *Snapshot
	isNew   []bool
	reached []uint32 // by how many roots
	seen    []uint32 // by which one last
	turn    uint32
	stack   []uint32
	steps   int // how many references may still be followed
}

// each calls do for all new objects that a root leads to, over new ones only.
func (w *claims) each(root *growRoot, do func(n uint32)) {
	w.turn++
	meet := func(n uint32) {
		if w.isNew[n] && w.seen[n] != w.turn {
			w.seen[n] = w.turn
			w.stack = append(w.stack, n)
		}
	}
	for _, n := range root.start {
		meet(n)
	}
	for len(w.stack) > 0 {
		n := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if w.steps <= 0 {
			w.stack = w.stack[:0]
			return
		}
		for e, end := w.s.edges(n); e < end; e++ {
			w.steps--
			if w.s.keeps(n, e) {
				meet(w.s.edgeTo[e])
			}
		}
		do(n)
	}
}

// divide gives each root its share: an object's size by the number of roots that lead to it.
func (w *claims) divide(roots []*growRoot) {
	w.steps = maxRootSteps
	for _, root := range roots {
		w.each(root, func(n uint32) { w.reached[n]++ })
	}
	class := w.s.class().of
	w.steps = maxRootSteps
	for _, root := range roots {
		w.each(root, func(n uint32) {
			size := w.s.selfSize[n]
			if size == 0 {
				return // a number, or a string of V8's own
			}
			root.share += float64(size) / float64(max(w.reached[n], 1))
			root.count++
			t := root.holds[class[n]]
			t.count, t.bytes = t.count+1, t.bytes+size
			root.holds[class[n]] = t
		})
	}
	w.steps = maxRootSteps
}
