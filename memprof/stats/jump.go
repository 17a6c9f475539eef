package stats

import "math"

// jumps are the rises of a series that is flat between them. Growth of one element a cycle in a
// container that is enlarged by half whenever it is full shows as jumps, ever larger and
// ever rarer; within one run perhaps as a single one.
type jumps struct {
	at    []int // first cycle after the jump
	sizes []float64
}

const (
	jumpSigmas   = 5   // how far a jump is above the noise of the differences
	flatPart     = .2  // of the whole rise that may lie outside the jumps
	containerMin = 1.1 // by what at least, and at most, the next jump of a container is larger
	containerMax = 3
	// containerWait is the factor to the cycle of a jump by which the next must have come:
	// a first array of 17 elements is followed by one of 41.
	containerWait = 2.5
)

// findJumps returns the jumps of a series that is flat otherwise; none if it also falls.
func findJumps(y []float64, floor float64) jumps {
	times, values := present(y)
	if len(values) < 4 {
		return jumps{}
	}
	steps := diffs(values)
	middle := median(steps)
	limit := jumpSigmas * max(madSigma*mad(steps), floor*math.Sqrt2)
	var j jumps
	var inJumps float64
	for i, d := range steps {
		switch {
		case d-middle < -limit:
			return jumps{}
		case d-middle > limit:
			j.at = append(j.at, times[i+1])
			j.sizes = append(j.sizes, d)
			inJumps += d
		}
	}
	rest := values[len(values)-1] - values[0] - inJumps
	if math.Abs(rest) > flatPart*inJumps || math.Abs(middle)*float64(len(steps)) > flatPart*inJumps {
		return jumps{}
	}
	return j
}

// lone says that there is one jump.
func (j jumps) lone() bool { return len(j.at) == 1 }

// container returns how many jumps at the end grow as those of a container do: each larger than
// the one before, and after at least as many cycles.
func (j jumps) container() int {
	n := 1
	for i := len(j.at) - 1; i > 0; i-- {
		ratio := j.sizes[i] / j.sizes[i-1]
		gap := j.at[i] - j.at[i-1]
		gapBefore := j.at[i-1]
		if i > 1 {
			gapBefore -= j.at[i-2]
		}
		if ratio < containerMin || ratio > containerMax || float64(gap) < .8*float64(gapBefore) {
			break
		}
		n++
	}
	return n
}

// next returns the cycle by which the next jump of a container must have shown.
func (j jumps) next() int {
	return int(math.Ceil(containerWait*float64(j.at[len(j.at)-1]))) + 2
}

// rate is the growth per cycle for which the jumps would stand.
func (j jumps) rate() float64 {
	var sum float64
	for _, v := range j.sizes {
		sum += v
	}
	return sum / float64(max(1, j.at[len(j.at)-1]))
}
