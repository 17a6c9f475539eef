//go:build !studies

package leaky

// tested are one case that leaks of each metric and of each way to be visited; with the tag studies all cases are.
func tested() (some []Case) {
	type kind struct {
		metric string
		mode   mode
	}
	seen := map[kind]bool{}
	for _, c := range Cases() {
		if k := (kind{c.Metric, c.mode}); c.Rate > 0 && !seen[k] {
			seen[k] = true
			some = append(some, c)
		}
	}
	return some
}
