package report

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

const mib = 1 << 20

// figure writes a value in its table's unit: bytes as MiB with one decimal, the rest as a whole
// number.
func figure(unit memprof.Unit, value float64) string {
	if unit == memprof.Bytes {
		return positive(strconv.FormatFloat(value/mib, 'f', 1, 64))
	}
	return positive(strconv.FormatFloat(value, 'f', 0, 64))
}

// positive drops the sign of a zero.
func positive(text string) string {
	if text == "-0.0" || text == "-0" {
		return text[1:]
	}
	return text
}

// change writes a difference with its sign.
func change(unit memprof.Unit, value float64) string {
	text := figure(unit, value)
	if value > 0 && text != "0.0" && text != "0" {
		return "+" + text
	}
	return text
}

// at writes a total, or a dash if it is not known.
func at(t *memprof.Totals, s memprof.Series) string {
	if t == nil {
		return dash
	}
	value, ok := t.At(s)
	if !ok {
		return dash
	}
	return figure(unitOf(s), value)
}

func unitOf(s memprof.Series) memprof.Unit {
	row, _ := memprof.MetricOf(s.Metric)
	return row.Unit
}

// duration writes a duration with the unit that suits it.
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", math.Round(d.Hours()*10)/10)
}
