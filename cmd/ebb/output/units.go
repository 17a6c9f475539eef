package output

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes writes a number of bytes in powers of 1024: 512 B, 1.5 KiB, 295 MiB.
func Bytes(n int64) string {
	if n < 0 {
		return "-" + unsignedBytes(-float64(n))
	}
	return unsignedBytes(float64(n))
}

// BytesChange is Bytes with the sign of a difference: +1.5 MiB, -3 KiB, 0 B.
func BytesChange(n int64) string {
	if n > 0 {
		return "+" + Bytes(n)
	}
	return Bytes(n)
}

func unsignedBytes(value float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	unit := 0
	// 1023.95 would be written as 1024.0
	for value >= 1023.95 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%.0f B", value)
	}
	return short(value) + " " + units[unit]
}

// short writes a value with one digit after the point below 100, and none above.
func short(value float64) string {
	if math.Abs(value) < 99.95 {
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	return strconv.FormatFloat(value, 'f', 0, 64)
}

// Count writes a number with separators: 12,345.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Counted writes a number with its noun: 1 page, 12,345 pages.
func Counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Duration writes a duration with at most two units: 850 ms, 12.3 s, 4m 05s, 2h 03m,
// 3d 04h.
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	switch {
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 59950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 3600:
		return fmt.Sprintf("%dm %02ds", s/60, s%60)
	case s < 86400:
		return fmt.Sprintf("%dh %02dm", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%dd %02dh", s/86400, s%86400/3600)
	}
}

// Seconds is Duration without parts of a second, for what is an estimate: 27 s, 4m 05s.
func Seconds(d time.Duration) string {
	return strings.Replace(Duration(d.Round(time.Second)), ".0 s", " s", 1)
}

// PerSecond writes a rate of things a second: 4.2/s; slow ones a minute or an hour.
func PerSecond(rate float64) string {
	switch {
	case rate <= 0 || math.IsNaN(rate) || math.IsInf(rate, 0):
		return "0/s"
	case rate >= 1:
		return short(rate) + "/s"
	case rate*60 >= 1:
		return short(rate*60) + "/min"
	default:
		return short(rate*3600) + "/h"
	}
}

// Percent writes part of whole: 42 %; "-" where there is no whole.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	return strconv.FormatFloat(math.Floor(100*float64(part)/float64(whole)), 'f', 0, 64) + " %"
}

// Ago writes how long ago t was: "12.3 s ago", "in 4m 05s", "never" for no time.
func Ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d < 0 {
		return "in " + Duration(-d)
	}
	return Duration(d) + " ago"
}
