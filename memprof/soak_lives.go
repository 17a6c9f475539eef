package memprof

import (
	"math"
	"slices"
)

// compareLives makes one level of each life: the mean over as many of its cycles, from its start, as
// most lives have. Those that ended before are left out. With the same ages in each level, what a
// Chrome takes while it grows older is no growth, and what it leaves to the next is.
func (t *SoakTally) compareLives() (lives SoakLives, levels []float64) {
	anon := t.values[slices.IndexFunc(soakRows, func(r soakRow) bool { return r.by == byLives })]
	var spans [][2]int
	for i, life := range t.lives {
		if i == 0 || life != t.lives[i-1] {
			spans = append(spans, [2]int{i, i})
		}
		spans[len(spans)-1][1] = i + 1
	}
	if lives.Count = len(spans); lives.Count == 0 {
		return lives, nil
	}
	lengths := make([]float64, len(spans))
	for i, s := range spans {
		lengths[i] = float64(s[1] - s[0])
	}
	lives.Cycles = int(medianOf(lengths))
	lives.Of = max(1, int(lifeShare*medianOf(lengths)))
	var first, last, highest []float64
	for _, s := range spans {
		if s[1]-s[0] < lives.Of {
			continue
		}
		ages := slices.DeleteFunc(slices.Clone(anon[s[0]:s[0]+lives.Of]), math.IsNaN)
		if len(ages) == 0 {
			continue
		}
		sum := 0.
		for _, v := range ages {
			sum += v
		}
		levels = append(levels, sum/float64(len(ages)))
		first, last, highest = append(first, ages[0]), append(last, ages[len(ages)-1]), append(highest, slices.Max(ages))
	}
	if lives.Judged = len(levels); lives.Judged > 0 {
		lives.First, lives.Last, lives.Highest = medianOf(first), medianOf(last), medianOf(highest)
	}
	return lives, levels
}
