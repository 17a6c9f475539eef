package sites

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// conversion makes a field's value of what was found.
type conversion struct {
	kind     FieldType
	number   numberFormat
	date     *dateFormat
	regex    *regexp.Regexp
	attr     string
	html     bool
	presence bool // a boolean without text is whether the selector matched
}

// errNotFound is what a text that counts as nothing is: empty, or without a match of
// the regular expression.
var errNotFound = errors.New("nothing was found")

// value converts what was found: text of the page, or a JSON value.
func (c *conversion) value(found *jsonValue, base *url.URL) (jsonValue, error) {
	if found.kind != jsonString {
		return c.jsonValue(found, base)
	}
	return c.text(found.text, base)
}

// jsonValue converts a JSON value that is not a string.
func (c *conversion) jsonValue(found *jsonValue, base *url.URL) (jsonValue, error) {
	switch {
	case found.kind == jsonNull:
		return jsonValue{}, errNotFound
	case c.kind == TypeJSON && c.regex == nil:
		return *found, nil
	case found.kind == jsonArray && c.kind != TypeRaw:
		if len(found.items) == 0 {
			return jsonValue{}, errNotFound
		}
		if found.items[0].kind == jsonArray {
			return jsonValue{}, errors.New("found an array of arrays")
		}
		return c.value(&found.items[0], base) // without many, the first
	case c.kind == TypeRaw:
		return c.text(string(found.appendJSON(nil)), base)
	case found.kind == jsonObject:
		return jsonValue{}, fmt.Errorf("found an object, expected %s", c.kind)
	case found.kind == jsonNumber && c.regex == nil && (c.kind == TypeNumber || c.kind == TypeInteger):
		return c.literal(found.text)
	case found.kind == jsonBool && c.kind == TypeBoolean && c.regex == nil:
		return *found, nil
	default:
		return c.text(found.text, base)
	}
}

// literal is a JSON number, which has no locale.
func (c *conversion) literal(literal string) (jsonValue, error) {
	if c.kind == TypeInteger {
		return integerValue(literal)
	}
	return jsonValue{kind: jsonNumber, text: literal}, nil
}

// text converts a text by the field's type.
func (c *conversion) text(text string, base *url.URL) (jsonValue, error) {
	text = cleanText(text)
	if c.kind == TypeText && !c.html {
		text = foldText(text)
	}
	if c.regex != nil {
		match := c.regex.FindStringSubmatch(text)
		if match == nil {
			return jsonValue{}, errNotFound
		}
		text = match[min(1, len(match)-1)]
	}
	if c.kind == TypeBoolean {
		return c.boolean(text)
	}
	if c.kind == TypeRaw {
		return stringValue(text), nil
	}
	if strings.TrimSpace(text) == "" {
		return jsonValue{}, errNotFound
	}
	switch c.kind {
	case TypeNumber:
		number, err := c.number.number(text)
		return jsonValue{kind: jsonNumber, text: number}, err
	case TypeInteger:
		number, err := c.number.number(text)
		if err != nil {
			return jsonValue{}, err
		}
		return integerValue(number)
	case TypeDate:
		date, err := c.date.date(text)
		return stringValue(date), err
	case TypeURL:
		address, err := absoluteURL(text, base)
		return stringValue(address), err
	case TypeJSON:
		return parseJSON(text)
	default:
		return stringValue(text), nil
	}
}

// integerValue drops a fraction of zeros; any other is an error.
func integerValue(number string) (jsonValue, error) {
	whole, fraction, _ := strings.Cut(number, ".")
	if strings.Trim(fraction, "0") != "" || strings.ContainsAny(number, "eE") {
		return jsonValue{}, fmt.Errorf("%s is no integer", excerpt(number))
	}
	if whole == "-0" {
		whole = "0"
	}
	return jsonValue{kind: jsonNumber, text: whole}, nil
}

// The texts that say yes or no, in English and a few other languages.
const (
	trueWords  = "true yes y t 1 on enabled checked selected ja oui sí si sim tak да はい 是 ✓ ✔ ☑"
	falseWords = "false no n f 0 off disabled unchecked none nein non não nao nej nie нет nee いいえ 否 ✗ ✘ ☐"
)

// boolean reads a yes or no. An attribute that is there without a value, or named
// like itself (checked="checked"), is true, as is a match without text.
func (c *conversion) boolean(text string) (jsonValue, error) {
	word := strings.ToLower(foldText(text))
	if word == "" {
		if c.presence || c.attr != "" {
			return boolValue(true), nil
		}
		return jsonValue{}, errNotFound
	}
	if c.attr != "" && word == strings.ToLower(c.attr) {
		return boolValue(true), nil
	}
	for _, list := range []struct {
		words string
		value bool
	}{{trueWords, true}, {falseWords, false}} {
		for _, w := range strings.Fields(list.words) {
			if w == word {
				return boolValue(list.value), nil
			}
		}
	}
	return jsonValue{}, errors.New("it says neither yes nor no")
}

// absoluteURL resolves text against the page. Any scheme may come out but those that
// carry code or content (javascript, data, vbscript, blob).
func absoluteURL(text string, base *url.URL) (string, error) {
	parts := splitURL(text)
	switch parts.scheme {
	case "javascript", "data", "vbscript", "blob":
		return "", fmt.Errorf("a %s: URL leads nowhere", parts.scheme)
	case "", "http", "https":
		resolved, err := parts.resolve(base)
		if err != nil {
			return "", err
		}
		return resolved.String(), nil
	default:
		return strings.TrimSpace(text), nil
	}
}
