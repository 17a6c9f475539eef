//go:build studies

package leaky

// tested are all cases.
func tested() []Case { return Cases() }
