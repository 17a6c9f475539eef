package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ebbworker/ebb/memprof"
)

// fewBytes is the size below which bytes are written as such and not as MB.
const fewBytes = 10_000

// known tells whether a value is a number.
func known(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// number writes a value with decimals and with commas between thousands: -1,234.50. A zero has
// no sign; what is unknown is a dash.
func number(v float64, decimals int) string {
	if !known(v) {
		return dash
	}
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		return "-" + whole
	}
	return whole
}

// signed is number with a plus before what is above 0.
func signed(v float64, decimals int) string {
	text := number(v, decimals)
	if v > 0 && known(v) && strings.Trim(text, "0.,") != "" {
		return "+" + text
	}
	return text
}

// scale is the divisor and the name of the unit in which values up to a magnitude are written.
func scale(unit memprof.Unit, largest float64) (divisor float64, name string) {
	switch {
	case unit == memprof.Bytes && largest < fewBytes:
		return 1, " bytes"
	case unit == memprof.Bytes:
		return memprof.MB, " MB"
	case unit == memprof.Seconds:
		return 1, " s"
	case unit == memprof.Percent:
		return 1, " %"
	}
	return 1, ""
}

// digits is how many decimals show a magnitude with three significant digits, or half an
// interval with two; at most extra more than the magnitude asks for.
func digits(largest, half float64, extra int) int {
	places := func(v float64, significant int) int {
		if v <= 0 {
			return 0
		}
		return significant - 1 - int(math.Floor(math.Log10(v)))
	}
	if largest >= 1000 {
		return 0
	}
	bySize := min(max(places(largest, 3), 0), 6)
	if half <= 0 || !known(half) {
		return bySize
	}
	return min(max(places(half, 2), 0), bySize+extra)
}

// wholeNumbers tells whether what is known of values are whole numbers, which are written without
// decimals.
func wholeNumbers(values ...float64) bool {
	for _, v := range values {
		if known(v) && v != math.Trunc(v) {
			return false
		}
	}
	return true
}

// amount writes a value with its unit: 1.14 MB, 512 bytes, 17.
func amount(unit memprof.Unit, v float64) string {
	if !known(v) {
		return dash
	}
	divisor, name := scale(unit, math.Abs(v))
	if divisor == 1 && (unit == memprof.Bytes || wholeNumbers(v)) {
		return number(v, 0) + name
	}
	text := number(v/divisor, digits(math.Abs(v)/divisor, 0, 0))
	if math.Abs(v/divisor) < .1 {
		text = strings.TrimRight(text, "0")
	}
	return text + name
}

// threshold is amount of what a person chose, without zeros at its end: 0.1 MB.
func threshold(unit memprof.Unit, v float64) string {
	text, name, _ := strings.Cut(amount(unit, v), " ")
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return strings.TrimSpace(text + " " + name)
}

// fromTo writes two values in one unit: 3.10 -> 37.2 MB.
func fromTo(unit memprof.Unit, first, last float64) string {
	largest := 0.0
	for _, v := range []float64{first, last} {
		if known(v) {
			largest = max(largest, math.Abs(v))
		}
	}
	divisor, name := scale(unit, largest)
	decimals := digits(largest/divisor, 0, 0)
	if divisor == 1 && (unit == memprof.Bytes || wholeNumbers(first, last)) {
		decimals = 0
	}
	return number(first/divisor, decimals) + " -> " + number(last/divisor, decimals) + name
}

// interval writes an estimate with its sign, its unit and its 95 % interval:
// +1.142 MB (1.101 to 1.183).
func interval(unit memprof.Unit, e memprof.Estimate) string { return estimate(unit, e, 1) }

// brief is interval with three significant digits at most.
func brief(unit memprof.Unit, e memprof.Estimate) string { return estimate(unit, e, 0) }

func estimate(unit memprof.Unit, e memprof.Estimate, extra int) string {
	if !e.Known || !known(e.Value) {
		return dash
	}
	value, name, bounds := split(unit, e, extra)
	if bounds == "" {
		return value + name
	}
	return value + name + " (" + bounds + ")"
}

// split writes an estimate in parts: the value with its sign, the unit, and the interval, which
// is "exactly" where it has no width and "" where it is unknown. extra decimals are allowed beyond
// three significant digits.
func split(unit memprof.Unit, e memprof.Estimate, extra int) (value, name, bounds string) {
	m := measureOf(unit, e)
	m.extra = extra
	value, bounds = m.parts(e)
	return value, m.name, bounds
}

// inMB writes an estimate that is in MB.
func inMB(value, lo, hi float64) string {
	return interval(memprof.Bytes, memprof.Estimate{Value: value * memprof.MB, Lo: lo * memprof.MB, Hi: hi * memprof.MB, Known: true})
}

// percent writes a share of 1.
func percent(share float64) string {
	if !known(share) {
		return dash
	}
	if share != 0 && math.Abs(share) < .0995 {
		return number(100*share, 1) + " %"
	}
	return number(100*share, 0) + " %"
}

// hours writes a time in hours with the unit that suits it, and seconds those in seconds.
func hours(h float64) string {
	switch {
	case !known(h):
		return dash
	case h < 1:
		return number(60*h, 1) + " min"
	case h < 100:
		return number(h, 1) + " h"
	}
	return number(h/24, 0) + " days"
}

func seconds(s float64) string {
	if !known(s) {
		return dash
	}
	return strconv.FormatFloat(s, 'g', 2, 64) + " s"
}

// blocks are the heights of a sparkline.
var blocks = []rune("▁▂▃▄▅▆▇█")

// gapMark stands for cycles without a value in a sparkline.
const gapMark = '·'

// sparkline draws values in at most width characters, each the mean of as many cycles.
func sparkline(values []*float64, width int) string {
	means := means(values, width)
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, v := range means {
		if known(v) {
			lowest, highest = min(lowest, v), max(highest, v)
		}
	}
	var b strings.Builder
	for _, v := range means {
		switch {
		case !known(v):
			b.WriteRune(gapMark)
		case highest == lowest:
			b.WriteRune(blocks[len(blocks)/2-1])
		default:
			b.WriteRune(blocks[int((v-lowest)/(highest-lowest)*(float64(len(blocks))-.001))])
		}
	}
	return b.String()
}

// means divides values into at most n stretches and returns the mean of each; NaN where all of
// it are gaps.
func means(values []*float64, n int) []float64 {
	n = min(n, len(values))
	out := make([]float64, 0, max(n, 0))
	for i := range n {
		sum, count := 0.0, 0.0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			if v != nil && known(*v) {
				sum, count = sum+*v, count+1
			}
		}
		out = append(out, sum/count) // 0/0 is NaN
	}
	return out
}

// plain is clean that also replaces characters which turn the direction of text or hide in it,
// on one line.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == 0x2028 || r == 0x2029 || unicode.Is(unicode.Cf, r):
			return '?'
		}
		return r
	}, text)
	return clean(text)
}

// longest is the most characters of a name that a page chose.
const longest = 96

// name is plain of a name that a page chose, cut to what a person reads.
func name(text string) string {
	text = plain(text)
	if utf8.RuneCountInString(text) > longest {
		return strings.TrimRight(fit(text, longest), " ")
	}
	return text
}

// joined lists words: a, b and c.
func joined(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
