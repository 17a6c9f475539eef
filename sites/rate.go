package sites

import (
	"errors"
	"regexp"
	"strconv"
)

// ratePattern is the written form of a Rate; the JSON Schema uses it too.
const ratePattern = `^([0-9]+(\.[0-9]+)?/(s|m|h)|none)$`

var rateForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)/(s|m|h)$`)

// rateUnits are the units in which a rate is written, in order of preference.
var rateUnits = []struct {
	name    string
	seconds float64
}{{"s", 1}, {"m", 60}, {"h", 3600}}

// UnmarshalText reads 2/s, 30/m, 100/h or none.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*r = 0
		return nil
	}
	parts := rateForm.FindStringSubmatch(string(text))
	if parts == nil {
		if isDigits(string(text)) {
			return errors.New("has no unit; write " + string(text) + "/s, " + string(text) + "/m or " + string(text) + "/h")
		}
		return errors.New("not a rate; write 2/s, 30/m, 100/h or none")
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return errors.New("too large for a rate")
	}
	if number == 0 {
		return errors.New("a rate of 0 would ask nothing; write none for no limit")
	}
	for _, u := range rateUnits {
		if u.name == parts[2] {
			*r = Rate(number / u.seconds)
		}
	}
	return nil
}

// MarshalText writes the rate in the unit that reads best: 2/s, 30/m, 100/h or none.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes the rate in the unit that reads best: 2/s, 30/m, 100/h or none.
func (r Rate) String() string {
	if r == 0 {
		return "none"
	}
	best := ""
	for _, u := range rateUnits {
		number := strconv.FormatFloat(float64(r)*u.seconds, 'f', -1, 64)
		written := number + "/" + u.name
		var back Rate
		if back.UnmarshalText([]byte(written)) != nil || back != r {
			continue
		}
		if best == "" || len(written) < len(best) {
			best = written
		}
	}
	if best == "" { // a negative rate, which no site file can hold
		return strconv.FormatFloat(float64(r), 'g', -1, 64) + "/s"
	}
	return best
}

// IsZero is false for every rate, so that a rate of none is written to a file too.
func (r Rate) IsZero() bool { return false }
