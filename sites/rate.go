package sites

import (
	"fmt"
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
	written := string(text)
	if written == "none" {
		*r = 0
		return nil
	}
	parts := rateForm.FindStringSubmatch(written)
	switch {
	case parts == nil && isDigits(written):
		return fmt.Errorf("rate %s has no unit; write %s/s, %s/m or %s/h", written, written, written, written)
	case parts == nil:
		return fmt.Errorf("%s is not a rate; write 2/s, 30/m, 100/h or none", shown(written))
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return fmt.Errorf("%s is too large for a rate", shown(written))
	}
	if number == 0 {
		return fmt.Errorf("rate %s would ask for nothing; write none for no limit", shown(written))
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
