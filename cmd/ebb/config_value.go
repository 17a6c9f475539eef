package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// setText gives a field the value that text writes, as the environment and --set do.
// The error says what would be right.
func setText(field any, text string) error {
	switch field := field.(type) {
	case *string:
		*field = text
	case *[]string:
		return setList(field, text)
	case *bool:
		switch strings.ToLower(text) {
		case "true", "yes", "on", "1":
			*field = true
		case "false", "no", "off", "0":
			*field = false
		default:
			return wantedf("%q is neither true nor false", text)
		}
	case *int:
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil {
			return wantedf("%q is not a whole number", text)
		}
		*field = n
	case *tabCount:
		if text == "auto" {
			*field = autoTabs
			return nil
		}
		n, err := strconv.Atoi(strings.ReplaceAll(text, "_", ""))
		if err != nil {
			return wantedf("%q is neither a whole number nor auto", text)
		}
		*field = tabCount(n)
	case *time.Duration:
		return setDuration(field, text)
	default:
		return fmt.Errorf("no way to read a %T", field)
	}
	return nil
}

// setList reads a list: a YAML list in brackets, or values between commas.
func setList(field *[]string, text string) error {
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		list, err := parseFlowList(text)
		if err != nil {
			return err
		}
		*field = list
		return nil
	}
	list := []string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	*field = list
	return nil
}

// setDuration reads a duration, which needs its unit.
func setDuration(field *time.Duration, text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil && text != "0" {
		return &wanted{message: fmt.Sprintf("%s has no unit", text), hint: fmt.Sprintf("%ss or %sm", text, text)}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return &wanted{message: fmt.Sprintf("%q is not a duration", text), hint: "write it as 500ms, 30s, 5m or 1h30m"}
	}
	*field = d
	return nil
}

// wanted is what is wrong with a value, and what would be right.
type wanted struct{ message, hint string }

func (w *wanted) Error() string {
	if w.hint == "" {
		return w.message
	}
	return w.message + "; " + w.hint
}

func wantedf(format string, args ...any) error {
	return &wanted{message: fmt.Sprintf(format, args...)}
}

// fieldKind says in words what a field takes.
func fieldKind(field any) string {
	switch field.(type) {
	case *[]string:
		return "a list of texts"
	case *bool:
		return "true or false"
	case *int:
		return "a whole number"
	case *tabCount:
		return "a whole number or auto"
	case *time.Duration:
		return "a duration such as 30s"
	default:
		return "a text"
	}
}

// fieldValue is the value itself, as YAML and JSON write it.
func fieldValue(field any) any {
	switch field := field.(type) {
	case *string:
		return *field
	case *[]string:
		return *field
	case *bool:
		return *field
	case *int:
		return *field
	case *tabCount:
		if *field == autoTabs {
			return "auto"
		}
		return int(*field)
	case *time.Duration:
		return shortDuration(*field)
	default:
		return nil
	}
}

// shortDuration writes 5m0s as 5m.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
