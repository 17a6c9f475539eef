package sites

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// durationPattern is the written form of a Duration; the JSON Schema uses it too.
const durationPattern = `^(0|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`

var durationForm = regexp.MustCompile(durationPattern)

// UnmarshalText reads 500ms, 90s, 1h30m or 0.
func (d *Duration) UnmarshalText(text []byte) error {
	written := string(text)
	if !durationForm.MatchString(written) {
		return durationFault(written)
	}
	parsed, err := time.ParseDuration(written)
	if err != nil {
		return fmt.Errorf("%s is too long for a duration", shown(written))
	}
	*d = Duration(parsed)
	return nil
}

// durationFault says what is wrong with the usual slips: no unit, days, a sign.
func durationFault(written string) error {
	switch {
	case isDigits(written):
		return fmt.Errorf("duration %s has no unit; write %ss, %sm or %sh", written, written, written, written)
	case strings.HasPrefix(written, "-"):
		return fmt.Errorf("duration %s is negative; write one that is not", shown(written))
	case isDigits(strings.TrimSuffix(written, "d")):
		return fmt.Errorf("duration %s is in days; write hours, 1d is 24h", shown(written))
	}
	return fmt.Errorf("%s is not a duration; write a number with ms, s, m or h, such as 500ms, 90s or 1h30m", shown(written))
}

// MarshalText writes the duration without parts that are zero: 30m, not 30m0s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes the duration without parts that are zero: 30m, not 30m0s.
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
