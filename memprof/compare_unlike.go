package memprof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/memprof/stats"
)

// unlike lists in what the two recordings differ beside their figures: what they were of, and how it was
// measured.
func (c *comparing) unlike() {
	a, b := c.before, c.after
	add := func(what, before, after string) {
		if before != after {
			c.out.Unlike = append(c.out.Unlike, Unlike{What: what, Before: orNone(before), After: orNone(after)})
		}
	}
	add("kind of recording", a.kind(), b.kind())
	add("sites", strings.Join(a.d.Sites, ", "), strings.Join(b.d.Sites, ", "))
	for _, row := range planRows {
		if p, q := a.t.plan, b.t.plan; p != nil && q != nil {
			add(row.what, row.of(*p), row.of(*q))
		}
	}
	add("Chrome", a.d.Browser, b.d.Browser)
	flagsA, flagsB := apart(a.flags(b), b.flags(a))
	add("Chrome's flags", flagsA, flagsB)
	add("Ebb", a.d.Ebb, b.d.Ebb)
	add("configuration", a.t.manifest.ConfigHash, b.t.manifest.ConfigHash)
	add("profiling", a.t.manifest.Level.String(), b.t.manifest.Level.String())
	add("planted control", a.controlled(), b.controlled())
	add("judged cycles", fmt.Sprint(a.d.Judged), fmt.Sprint(b.d.Judged))
	add("processors", number(a.d.Host.CPUs), number(b.d.Host.CPUs))
	add("memory of the machine", size(a.d.Host.Memory), size(b.d.Host.Memory))
	add("memory limit of the cgroup", size(a.d.Host.CgroupLimit), size(b.d.Host.CgroupLimit))
	add("kernel", a.d.Host.Kernel, b.d.Host.Kernel)
	c.load()
}

// planRows are what two plans may differ in. That a site has another name is told as such, not as
// another way of isolating it.
var planRows = []struct {
	what string
	of   func(Plan) string
}{
	{"templates", func(p Plan) string {
		return bySite(p, func(s PlanSite) string { return strings.Join(s.Templates, "+") })
	}},
	{"isolation", func(p Plan) string {
		return bySite(p, func(s PlanSite) string { return strings.TrimSuffix(s.Isolation+"/"+s.Keep, "/") })
	}},
	{"time to settle", func(p Plan) string { return p.Settle.String() }},
	{"time to idle", func(p Plan) string { return p.Idle.String() }},
	{"sites of a cycle", func(p Plan) string { return map[bool]string{true: "at once", false: "one after the other"}[p.Parallel] }},
	{"memory limit", func(p Plan) string { return size(int64(p.Limit)) }},
}

func bySite(p Plan, of func(PlanSite) string) string {
	var list []string
	for _, s := range p.Sites {
		list = append(list, of(s))
	}
	return strings.Join(list, ", ")
}

func (r *compared) kind() string {
	if r.regular() {
		return "of `ebb run`"
	}
	return "of `ebb diagnose`"
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func number(n int) string {
	if n == 0 {
		return "unknown"
	}
	return fmt.Sprint(n)
}

func size(bytes int64) string {
	if bytes <= 0 {
		return ""
	}
	return mb(float64(bytes))
}

// flags are the flags of Chrome, without those that name what is new in each run, and without the name
// by which it calls itself where the versions differ anyhow.
func (r *compared) flags(other *compared) []string {
	sameVersion := r.d.Browser == other.d.Browser && r.d.Ebb == other.d.Ebb
	return slices.DeleteFunc(slices.Clone(r.d.Flags), func(flag string) bool {
		name, _, _ := strings.Cut(flag, "=")
		return name == "--user-data-dir" || name == "--user-agent" && !sameVersion
	})
}

// apart are the entries of each list that the other does not have.
func apart(a, b []string) (onlyA, onlyB string) {
	rest := func(list, other []string) string {
		list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
		return strings.Join(list, " ")
	}
	return rest(a, b), rest(b, a)
}

// loadApart is by how much the mean load of two recordings may differ for each processor.
const loadApart = .5

// load tells when other work on the machine took unlike parts of it.
func (c *comparing) load() {
	mean := func(r *compared) (float64, bool) {
		i := stats.MeanRate(r.perCycle(func(s Summary) (float64, bool) { return s.After.At(Series{Metric: "host.load"}) }))
		return i.Value, !i.Open()
	}
	a, okA := mean(c.before)
	b, okB := mean(c.after)
	cpus := float64(max(1, c.before.d.Host.CPUs))
	if okA && okB && (a-b > loadApart*cpus || b-a > loadApart*cpus) {
		c.out.Unlike = append(c.out.Unlike, Unlike{What: "load of the machine", Before: fmt.Sprintf("%.1f", a), After: fmt.Sprintf("%.1f", b)})
	}
}

// differs tells whether the recordings differ in something.
func (c *comparing) differs(what string) bool {
	return slices.ContainsFunc(c.out.Unlike, func(u Unlike) bool { return u.What == what })
}
