package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// SQLite made the plan of each look of a queue anew, which took several times as long as the look itself.
func TestALimitIsNoPartOfThePlan(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT a FROM b ORDER BY a\n    LIMIT ?4\n)\nRETURNING *": "SELECT a FROM b ORDER BY a\n    LIMIT (?4 + 0)\n)\nRETURNING *",
		"SELECT a FROM b LIMIT ?":                                  "SELECT a FROM b LIMIT (? + 0)",
		"SELECT a FROM b LIMIT 1":                                  "SELECT a FROM b LIMIT 1",
		"SELECT limits FROM b WHERE a_limit = ?":                   "SELECT limits FROM b WHERE a_limit = ?",
	} {
		require.Equal(t, want, plannedOnce(query))
	}
}
