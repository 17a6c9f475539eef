package output

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from a page harmless on a terminal: control characters, escapes,
// and characters that turn or hide text are written as \xNN or \uNNNN; line breaks
// and tabs stay; bytes that are not UTF-8 become U+FFFD.
func Clean(text string) string {
	return clean(text, func(r rune) bool { return r == '\n' || r == '\t' })
}

// CleanLine is Clean for text that must stay on one line: line breaks and tabs become
// spaces.
func CleanLine(text string) string {
	if strings.ContainsAny(text, "\n\r\t") {
		text = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(text)
	}
	return clean(text, func(rune) bool { return false })
}

func clean(text string, keep func(rune) bool) string {
	if !strings.ContainsFunc(text, hostile) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text { // an invalid byte comes as U+FFFD
		if hostile(r) && !keep(r) {
			b.WriteString(escaped(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hostile reports characters that act on a terminal instead of being shown.
func hostile(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r <= 0x9f: // C0, DEL, C1
		return true
	case r == 0x2028, r == 0x2029: // line and paragraph separators
		return true
	case r == 0x200d: // joins emoji
		return false
	}
	return unicode.Is(unicode.Cf, r) // bidirectional controls, zero widths, tags
}

func escaped(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}
