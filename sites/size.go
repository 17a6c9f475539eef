package sites

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
)

// sizePattern is the written form of a Size; the JSON Schema uses it too.
const sizePattern = `^[0-9]+(\.[0-9]+)? ?(B|[kK]B|MB|GB|KiB|MiB|GiB)$`

var sizeForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(B|[kK]B|MB|GB|KiB|MiB|GiB)$`)

// sizeUnits are the units in which a size is written, the largest first: a size is
// written in the first of which it is a whole multiple.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30},
	{"GB", 1_000_000_000},
	{"MiB", 1 << 20},
	{"MB", 1_000_000},
	{"KiB", 1 << 10},
	{"KB", 1_000},
	{"B", 1},
}

// UnmarshalText reads 500KB, 20MB, 1.5GB, 64KiB. A fraction of a byte is dropped.
func (s *Size) UnmarshalText(text []byte) error {
	written := string(text)
	parts := sizeForm.FindStringSubmatch(written)
	switch {
	case parts == nil && isDigits(written):
		return fmt.Errorf("size %s has no unit; write %sB, %sKB or %sMB", written, written, written, written)
	case parts == nil:
		return fmt.Errorf("%s is not a size; write a number with B, KB, MB, GB, KiB, MiB or GiB, such as 500KB or 1.5MB", shown(written))
	}
	unit := parts[2]
	if unit == "kB" {
		unit = "KB"
	}
	number, ok := new(big.Rat).SetString(parts[1])
	if !ok || len(parts[1]) > 40 {
		return fmt.Errorf("%s is not a size; it has too many digits", shown(written))
	}
	for _, u := range sizeUnits {
		if u.name == unit {
			number.Mul(number, new(big.Rat).SetInt64(u.bytes))
		}
	}
	whole := new(big.Int).Quo(number.Num(), number.Denom())
	if !whole.IsInt64() || whole.Int64() > math.MaxInt64/2 {
		return fmt.Errorf("%s is too large for a size", shown(written))
	}
	*s = Size(whole.Int64())
	return nil
}

// MarshalText writes the size in the largest unit of which it is a whole multiple.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size in the largest unit of which it is a whole multiple.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}
