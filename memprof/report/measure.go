package report

import (
	"math"
	"slices"

	"github.com/ebbworker/ebb/memprof"
)

// measure is how estimates of one kind are written, so that those of a column have one unit.
type measure struct {
	divisor float64
	name    string // " MB"
	// whole says that there are no decimals, most how many there are at most; extra are those beyond three
	// significant digits.
	whole       bool
	most, extra int
	// bare leaves the plus out.
	bare bool
}

// anyDecimals is a measure.most that limits nothing.
const anyDecimals = 99

// millis are milliseconds.
var millis = measure{divisor: 1, name: " ms", most: 1}

// measureOf is the measure in which the largest of some estimates is readable.
func measureOf(unit memprof.Unit, estimates ...memprof.Estimate) measure {
	largest := 0.0
	for _, e := range estimates {
		for _, v := range []float64{e.Value, e.Lo, e.Hi} {
			if known(v) {
				largest = max(largest, math.Abs(v))
			}
		}
	}
	m := measure{most: anyDecimals}
	m.divisor, m.name = scale(unit, largest)
	m.whole = m.divisor == 1 && unit == memprof.Bytes
	return m
}

// inColumn is measureOf for a column of a table, without plus: MB with three decimals at most, also
// where nothing is known.
func inColumn(unit memprof.Unit, estimates ...memprof.Estimate) measure {
	m := measureOf(unit, estimates...)
	if !slices.ContainsFunc(estimates, func(e memprof.Estimate) bool { return e.Known && e.Value != 0 }) {
		m = measureOf(unit, memprof.Estimate{Value: memprof.MB})
	}
	m.bare, m.most = true, 3
	return m
}

// parts writes the value and the interval of an estimate that is known: see split.
func (m measure) parts(e memprof.Estimate) (value, bounds string) {
	sign := signed
	if m.bare {
		sign = number
	}
	if !known(e.Lo, e.Hi) {
		return sign(e.Value/m.divisor, m.decimals(e)), ""
	}
	decimals := m.decimals(e)
	value = sign(e.Value/m.divisor, decimals)
	if e.Lo == e.Hi {
		return value, "exactly"
	}
	return value, number(e.Lo/m.divisor, decimals) + " to " + number(e.Hi/m.divisor, decimals)
}

// decimals is how many an estimate is worth.
func (m measure) decimals(e memprof.Estimate) int {
	largest, half := math.Abs(e.Value), 0.0
	if known(e.Lo, e.Hi) {
		largest, half = max(largest, math.Abs(e.Lo), math.Abs(e.Hi)), (e.Hi-e.Lo)/2
	}
	if m.whole || (m.divisor == 1 && wholeNumbers(e.Value, e.Lo, e.Hi)) {
		return 0
	}
	return min(digits(largest/m.divisor, half/m.divisor, m.extra), m.most)
}

// text is an estimate with its unit and interval: "+182 ms (150 to 214)".
func (m measure) text(e memprof.Estimate) string {
	if !e.Known || !known(e.Value) {
		return dash
	}
	value, bounds := m.parts(e)
	if bounds == "" {
		return value + m.name
	}
	return value + m.name + " (" + bounds + ")"
}

// value is an estimate without its unit and interval.
func (m measure) value(e memprof.Estimate) string {
	if !e.Known || !known(e.Value) {
		return dash
	}
	value, _ := m.parts(e)
	return value
}
