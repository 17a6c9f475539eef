package sites

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

type xpathKind uint8

const (
	xpathEnd xpathKind = iota
	xpathSymbol
	xpathLiteral
	xpathNumber
	xpathName     // a name test, with or without prefix: a, svg:path, svg:*
	xpathOperator // and, or, mod, div and the * of multiplication
	xpathFunction // a name before (
	xpathAxis     // a name before ::, which is skipped
)

type xpathToken struct {
	kind   xpathKind
	text   string
	column int
}

// xpathSymbols are tried in this order, the longest first.
var xpathSymbols = []string{"//", "..", "!=", "<=", ">=", "/", "(", ")", "[", "]", ".", "@", ",", "|", "+", "-", "=", "<", ">", "*"}

// xpathTokens splits an expression by the rules of XPath 1.0, section 3.7.
func xpathTokens(text string) ([]xpathToken, error) {
	var tokens []xpathToken
	for pos := 0; ; {
		pos += len(text[pos:]) - len(strings.TrimLeft(text[pos:], " \t\r\n"))
		column := 1 + utf8.RuneCountInString(text[:pos])
		if pos == len(text) {
			return append(tokens, xpathToken{kind: xpathEnd, column: column}), nil
		}
		token, size, err := xpathTokenAt(text[pos:], tokens)
		if err != nil {
			return nil, fmt.Errorf("is not an XPath expression: %w", err)
		}
		if size == 0 {
			r, _ := utf8.DecodeRuneInString(text[pos:])
			return nil, fmt.Errorf("is not an XPath expression: %q cannot stand at character %d", r, column)
		}
		token.column = column
		tokens = append(tokens, token)
		pos += size
	}
}

// xpathTokenAt reads the token at the start of the text.
func xpathTokenAt(text string, before []xpathToken) (xpathToken, int, error) {
	switch c := text[0]; {
	case c == '"' || c == '\'':
		end := strings.IndexByte(text[1:], c)
		if end < 0 {
			return xpathToken{}, 0, fmt.Errorf("a quote is not closed")
		}
		return xpathToken{kind: xpathLiteral, text: text[:end+2]}, end + 2, nil
	case c == '$':
		return xpathToken{}, 0, fmt.Errorf("a variable ($) has no value here; write the value")
	case isDigit(rune(c)) || c == '.' && len(text) > 1 && isDigit(rune(text[1])):
		size := len(text) - len(strings.TrimLeft(text, "0123456789"))
		if strings.HasPrefix(text[size:], ".") {
			rest := text[size+1:]
			size += 1 + len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		}
		return xpathToken{kind: xpathNumber, text: text[:size]}, size, nil
	}
	if size := xpathNameSize(text); size > 0 {
		return xpathNameToken(text, size, before)
	}
	for _, symbol := range xpathSymbols {
		if strings.HasPrefix(text, symbol) {
			kind := xpathSymbol
			if symbol == "*" && operatorIsDue(before) {
				kind = xpathOperator
			}
			return xpathToken{kind: kind, text: symbol}, len(symbol), nil
		}
	}
	return xpathToken{}, 0, nil
}

// operatorIsDue says whether a * or a name must be an operator here.
func operatorIsDue(before []xpathToken) bool {
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	switch last.kind {
	case xpathOperator, xpathAxis, xpathFunction:
		return false
	case xpathSymbol:
		return slices.Contains([]string{")", "]", ".", "..", "*"}, last.text)
	}
	return true
}

// xpathNameToken tells operators, functions, axes and name tests apart.
func xpathNameToken(text string, size int, before []xpathToken) (xpathToken, int, error) {
	name := text[:size]
	if operatorIsDue(before) {
		if !slices.Contains([]string{"and", "or", "mod", "div"}, name) {
			return xpathToken{}, 0, fmt.Errorf("%s stands where an operator should", shown(name))
		}
		return xpathToken{kind: xpathOperator, text: name}, size, nil
	}
	rest := text[size:]
	after := strings.TrimLeft(rest, " \t\r\n")
	switch {
	case strings.HasPrefix(after, "::"):
		return xpathToken{kind: xpathAxis, text: name}, size + len(rest) - len(after) + 2, nil
	case strings.HasPrefix(after, "("):
		return xpathToken{kind: xpathFunction, text: name}, size, nil
	case strings.HasPrefix(rest, ":*"):
		return xpathToken{kind: xpathName, text: name + ":*"}, size + 2, nil
	case strings.HasPrefix(rest, ":"):
		local := xpathNameSize(rest[1:])
		if local == 0 {
			return xpathToken{}, 0, fmt.Errorf("a name is missing after %s", shown(name+":"))
		}
		size += 1 + local
		return xpathToken{kind: xpathName, text: text[:size]}, size, nil
	}
	return xpathToken{kind: xpathName, text: name}, size, nil
}

// xpathNameSize gives the length of the NCName at the start of the text, 0 for none.
func xpathNameSize(text string) int {
	for i, r := range text {
		start := r == '_' || unicode.IsLetter(r)
		if !start && (i == 0 || r != '-' && r != '.' && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && r != '·') {
			return i
		}
	}
	return len(text)
}
