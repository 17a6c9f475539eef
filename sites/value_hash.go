package sites

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"
)

// hash returns the SHA-256 of v in canonical form, in hexadecimal. The canonical
// form sorts the keys of objects and writes equal numbers alike (1, 1.0 and 1e0),
// so that neither a page's order nor its notation counts as a change.
func (v *jsonValue) hash() string {
	sum := sha256.Sum256(v.appendCanonical(nil))
	return hex.EncodeToString(sum[:])
}

func (v *jsonValue) appendCanonical(b []byte) []byte {
	switch v.kind {
	case jsonNumber:
		return appendCanonicalNumber(b, v.text)
	case jsonArray:
		b = append(b, '[')
		for i := range v.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.items[i].appendCanonical(b)
		}
		return append(b, ']')
	case jsonObject:
		order := make([]int, len(v.keys))
		for i := range order {
			order[i] = i
		}
		sort.Slice(order, func(i, j int) bool { return v.keys[order[i]] < v.keys[order[j]] })
		b = append(b, '{')
		for n, i := range order {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, v.keys[i])
			b = append(b, ':')
			b = v.items[i].appendCanonical(b)
		}
		return append(b, '}')
	default:
		return v.appendJSON(b)
	}
}

// appendCanonicalNumber appends a JSON number as its significant digits and a power
// of ten: 1200, 1.2e3 and 1200.0 all become 12e2.
func appendCanonicalNumber(b []byte, literal string) []byte {
	mantissa, exponent := literal, int64(0)
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		var err error
		mantissa = literal[:i]
		if exponent, err = strconv.ParseInt(literal[i+1:], 10, 32); err != nil {
			return append(b, literal...)
		}
	}
	negative := strings.HasPrefix(mantissa, "-")
	mantissa = strings.TrimPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= int64(len(fraction))
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if trimmed == "" {
		return append(b, '0')
	}
	if negative {
		b = append(b, '-')
	}
	b = append(b, trimmed...)
	if exponent != 0 {
		b = append(b, 'e')
		b = strconv.AppendInt(b, exponent, 10)
	}
	return b
}

// keyNumber writes a JSON number without exponent or needless zeros, so that equal
// numbers are written alike; one whose exponent nobody would write out keeps it.
func keyNumber(literal string) string {
	canonical := string(appendCanonicalNumber(nil, literal))
	digits, power, ok := strings.Cut(canonical, "e")
	exponent, err := strconv.Atoi(power)
	if !ok || err != nil || exponent > 30 || exponent < -maxNumberDigits {
		return canonical
	}
	if exponent > 0 {
		return digits + strings.Repeat("0", exponent)
	}
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if missing := 1 - exponent - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	at := len(digits) + exponent
	return sign + digits[:at] + "." + digits[at:]
}
