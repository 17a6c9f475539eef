package memprof

// ring keeps the newest samples.
type ring struct {
	size    int
	samples []Sample
	next    int // where the next sample goes once the ring is full
}

func (r *ring) add(s Sample) {
	if len(r.samples) < r.size {
		r.samples = append(r.samples, s)
		return
	}
	r.samples[r.next] = s
	r.next = (r.next + 1) % r.size
}

// last returns the newest n samples, oldest first.
func (r *ring) last(n int) []Sample {
	n = min(n, len(r.samples))
	out := make([]Sample, 0, n)
	for i := len(r.samples) - n; i < len(r.samples); i++ {
		out = append(out, r.samples[(r.next+i)%len(r.samples)])
	}
	return out
}
