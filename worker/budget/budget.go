// Package budget decides what is done when memory runs short: what is given back, and which runs wait.
//
// It is arithmetic on readings: it starts nothing, reads nothing and keeps no clock. The worker reads,
// acts and tells.
package budget

import (
	"fmt"
	"strconv"
)

// Budget is how much memory the worker and its Chromes may use together, in bytes. The zero value is
// none: nothing is decided.
type Budget struct {
	// Total is the whole, and Source where it comes from: "memory.limit", "cgroup v1 limit".
	Total  int64  `json:"total"`
	Source string `json:"source"`
	// Worker, Chrome and Reserve divide it. The reserve is for what is charged and is no anonymous
	// memory: the kernel's own, and pages of files that cannot be dropped at once.
	Worker  int64 `json:"worker"`
	Chrome  int64 `json:"chrome"`
	Reserve int64 `json:"reserve"`
	// Soft and Hard are the marks for anonymous memory in use: at the soft one memory is given back, at
	// the hard one nothing new begins.
	Soft int64 `json:"soft"`
	Hard int64 `json:"hard"`
}

const (
	mib = 1 << 20
	gib = 1 << 30
	// Least is the smallest budget: a Chrome with one page takes about 80 MB, and the worker 40.
	Least = 256 * mib
	// The reserve is a tenth, and the worker's part a seventh, within bounds.
	leastReserve, mostReserve = 32 * mib, 512 * mib
	leastWorker, mostWorker   = 64 * mib, gib
	// softShare is the soft mark's share of the hard one.
	softShare = 0.85
)

// Split divides a total.
func Split(total int64, source string) Budget {
	b := Budget{Total: total, Source: source}
	b.Reserve = min(max(total/10, leastReserve), mostReserve)
	b.Worker = min(max(total/7, leastWorker), mostWorker)
	b.Chrome = total - b.Worker - b.Reserve
	b.Hard = total - b.Reserve
	b.Soft = int64(softShare * float64(b.Hard))
	return b
}

// Room is what the configuration and the kernel allow, in bytes.
type Room struct {
	// Limit is the configured one. Default: 0, none.
	Limit int64
	// Cgroup is the lowest limit of the cgroup and those above it, and CgroupBy its name. Default: 0,
	// none.
	Cgroup   int64
	CgroupBy string
	// Available is what the machine could give when the worker started, of Memory in all.
	Available, Memory int64
}

// Choose takes the configured limit, else the cgroup's, else what the machine can give. A configured limit
// above that of the cgroup would never be reached: the lower of both counts.
func Choose(r Room) Budget {
	switch {
	case r.Limit > 0 && (r.Cgroup <= 0 || r.Limit <= r.Cgroup):
		return Split(r.Limit, "memory.limit")
	case r.Cgroup > 0:
		by := r.CgroupBy
		if r.Limit > 0 {
			by += ", which is below memory.limit"
		}
		return Split(r.Cgroup, by)
	case r.Available > 0:
		return Split(r.Available, "the machine's "+Size(r.Memory)+", the part that was available")
	}
	return Budget{}
}

// Known says whether there is a budget.
func (b Budget) Known() bool { return b.Total > 0 }

// String writes it as "700 MB of cgroup v1 limit; worker 100 MB, Chrome 530 MB, reserve 70 MB".
func (b Budget) String() string {
	if !b.Known() {
		return "none"
	}
	return fmt.Sprintf("%s of %s; worker %s, Chrome %s, reserve %s", Size(b.Total), b.Source, Size(b.Worker), Size(b.Chrome), Size(b.Reserve))
}

// Size writes bytes as "530 MB" or "2.0 GB", in powers of 1024.
func Size(bytes int64) string {
	switch {
	case bytes < 0:
		return "-" + Size(-bytes)
	case bytes < 10*mib && bytes%mib != 0:
		return strconv.FormatFloat(float64(bytes)/mib, 'f', 1, 64) + " MB"
	case bytes < gib:
		return strconv.FormatInt((bytes+mib/2)>>20, 10) + " MB"
	}
	return strconv.FormatFloat(float64(bytes)/gib, 'f', 1, 64) + " GB"
}
