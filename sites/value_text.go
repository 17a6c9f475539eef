package sites

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldText trims s and makes each run of Unicode white space one space.
func foldText(s string) string {
	return strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
}

// excerpt is the beginning of s for a message: at most 60 characters, on one line.
func excerpt(s string) string {
	const limit = 60
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	s = strings.ToValidUTF8(foldText(s), "\uFFFD")
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit]) + "…"
}
