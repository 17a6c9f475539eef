package stats

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDesigns(t *testing.T) {
	for _, test := range []struct {
		factors, arms, resolution int
		words                     map[int]int // the word-length pattern
	}{
		{1, 2, 0, nil},
		{2, 4, 0, nil},
		{3, 8, 0, nil},
		{4, 8, 4, map[int]int{4: 1}},
		{5, 16, 5, map[int]int{5: 1}},
		{6, 16, 4, map[int]int{4: 3}},
		{7, 16, 4, map[int]int{4: 7}},
		{8, 16, 4, map[int]int{4: 14, 8: 1}},
	} {
		t.Run(fmt.Sprint(test.factors), func(t *testing.T) {
			d, err := FactorialDesign(test.factors)
			require.NoError(t, err)
			require.Len(t, d.Arms(), test.arms)
			require.Equal(t, test.resolution, d.Resolution())
			pattern := make([]int, test.factors+1)
			for length, n := range test.words {
				pattern[length] = n
			}
			require.Equal(t, pattern, d.WordLengths())
			requireOrthogonal(t, d)
			requireAliasesTrue(t, d)
		})
	}
}

// requireOrthogonal checks that the columns of the mean and of all main effects are orthogonal,
// each level as often as the other.
func requireOrthogonal(t *testing.T, d Design) {
	t.Helper()
	columns := [][]float64{d.Column(0)}
	for f := range d.Factors {
		columns = append(columns, d.Column(1<<f))
	}
	for i := range columns {
		for j := range i {
			require.Zero(t, designDot(columns[i], columns[j]), "columns %d and %d", j, i)
		}
	}
}

// requireAliasesTrue checks that effects share a chain exactly where their columns are equal.
func requireAliasesTrue(t *testing.T, d Design) {
	t.Helper()
	chain := make(map[Word]int)
	for i, words := range d.Aliases(2) {
		for _, w := range words {
			require.NotContains(t, chain, w)
			chain[w] = i
		}
	}
	effects := designEffects(d.Factors)
	require.Len(t, chain, len(effects))
	for _, a := range effects {
		for _, b := range effects {
			same := designDot(d.Column(a), d.Column(b)) != 0
			require.Equal(t, same, chain[a] == chain[b], "%v and %v", a, b)
		}
	}
}

func designDot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func TestAliasTable(t *testing.T) {
	d, err := FactorialDesign(6)
	require.NoError(t, err)
	require.Equal(t, "[ABCE ADEF BCDF]", fmt.Sprint(d.Relation()))
	require.Equal(t, "[[A] [B] [C] [D] [E] [F] [AB CE] [AC BE] [AD EF] [AE BC DF] [AF DE] [BD CF] [BF CD]]", fmt.Sprint(d.Aliases(2)))

	d, err = FactorialDesign(5)
	require.NoError(t, err)
	require.Equal(t, "[ABCDE]", fmt.Sprint(d.Relation()))
	require.Len(t, d.Aliases(2), 15, "nothing of order two is aliased")
	require.Equal(t, "[A BCDE]", fmt.Sprint(d.Aliases(4)[0]))
}

func TestFullFactorialAliasesNothing(t *testing.T) {
	d, err := FullFactorial(4)
	require.NoError(t, err)
	require.Len(t, d.Arms(), 16)
	require.Empty(t, d.Relation())
	require.Len(t, d.Aliases(4), 10)
}

func TestArmsInStandardOrder(t *testing.T) {
	d, err := FactorialDesign(4)
	require.NoError(t, err)
	require.Equal(t, [][]bool{
		{false, false, false, false},
		{true, false, false, true},
		{false, true, false, true},
		{true, true, false, false},
		{false, false, true, true},
		{true, false, true, false},
		{false, true, true, false},
		{true, true, true, true},
	}, d.Arms(), "D = ABC")
}

func TestSchedule(t *testing.T) {
	d, err := FactorialDesign(8)
	require.NoError(t, err)
	blocks := d.Schedule(d.Replicates, rand.New(rand.NewPCG(1, 2)))
	require.Len(t, blocks, 2)
	require.NotEqual(t, blocks[0], blocks[1])
	require.Equal(t, blocks, d.Schedule(d.Replicates, rand.New(rand.NewPCG(1, 2))), "the seed decides")
	for _, block := range blocks {
		sorted := slices.Sorted(slices.Values(block))
		require.Len(t, slices.Compact(sorted), 16, "every arm once")
	}

	d, err = FactorialDesign(1)
	require.NoError(t, err)
	pairs := slices.Concat(d.Schedule(d.Replicates, rand.New(rand.NewPCG(3, 4)))...)
	require.Len(t, pairs, 8)
	for i := 0; i < len(pairs); i += 4 {
		require.Equal(t, pairs[i], pairs[i+3])
		require.Equal(t, pairs[i+1], pairs[i+2])
		require.NotEqual(t, pairs[i], pairs[i+1])
	}
	require.Empty(t, d.Schedule(0, nil))
}

func TestDesignOfTooManyFactors(t *testing.T) {
	for _, factors := range []int{-1, 0, MaxFactors + 1} {
		_, err := FactorialDesign(factors)
		require.ErrorContains(t, err, "1 to 8 factors")
		_, err = FullFactorial(factors)
		require.Error(t, err)
	}
}
