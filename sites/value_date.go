package sites

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// dateFormat reads dates of one layout, language and zone.
type dateFormat struct {
	layout string
	names  dateNames
	zone   *time.Location
	// elements are the names that a Go layout has, in order.
	elements []nameElement
	hasTime  bool
}

// nameElement is a month or weekday in a layout.
type nameElement struct{ weekday, long bool }

// Layouts that are not Go's.
const (
	layoutISO  = "iso8601"
	layoutMail = "rfc2822"
	layoutUnix = "unix"
)

var layoutNames = regexp.MustCompile(`January|Jan|Monday|Mon`)

// newDateFormat checks a layout against the languages and zones that are known.
func newDateFormat(layout, locale, zone string) (*dateFormat, error) {
	f := &dateFormat{layout: layout, zone: time.UTC, names: dateLanguages["en"]}
	if zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return nil, fmt.Errorf("timezone: %w", err)
		}
		f.zone = loc
	}
	switch layout {
	case "":
		return nil, errors.New("a date needs a layout")
	case layoutISO, layoutMail, layoutUnix:
		return f, nil
	}
	for _, element := range layoutNames.FindAllString(layout, -1) {
		f.elements = append(f.elements, nameElement{weekday: element[0] == 'M', long: len(element) > 3})
	}
	if err := f.setNames(locale); err != nil {
		return nil, err
	}
	early := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	f.hasTime = early.Format(layout) != early.Add(12*time.Hour).Format(layout)
	for _, other := range []time.Time{early.AddDate(1, 0, 0), early.AddDate(0, 1, 0), early.AddDate(0, 0, 1)} {
		if early.Format(layout) == other.Format(layout) {
			return nil, fmt.Errorf("layout %q does not name year, month and day", layout)
		}
	}
	return f, nil
}

func (f *dateFormat) setNames(locale string) error {
	if locale == "" {
		return nil
	}
	tag, err := language.Parse(locale)
	if err != nil {
		return fmt.Errorf("locale %q: %w", locale, err)
	}
	base, _ := tag.Base()
	code := base.String()
	if code == "no" || code == "nn" {
		code = "nb"
	}
	known, ok := dateLanguages[code]
	if !ok && len(f.elements) > 0 {
		return fmt.Errorf("the names of months in locale %q are not known", locale)
	}
	if ok {
		f.names = known
	}
	return nil
}

// date returns text as RFC 3339 in UTC, or as 2006-01-02 where it has no time.
func (f *dateFormat) date(text string) (string, error) {
	text = foldText(string(asciiDigits([]rune(text))))
	var t time.Time
	var err error
	hasTime := true
	switch f.layout {
	case layoutISO:
		t, hasTime, err = parseISO(text, f.zone)
	case layoutMail:
		t, err = parseMailDate(text)
	case layoutUnix:
		t, err = parseUnix(text)
	default:
		hasTime = f.hasTime
		if t, err = time.ParseInLocation(f.layout, f.english(text), f.zone); err == nil {
			t, err = knownZone(t, f.zone)
		}
	}
	if err != nil {
		return "", err
	}
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return "", fmt.Errorf("the year %d is out of range", year)
	}
	return dateText(t, hasTime), nil
}

func dateText(t time.Time, hasTime bool) string {
	if !hasTime {
		return t.Format(time.DateOnly)
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// english makes the names of months and weekdays those that Go reads, in the form
// that the layout asks for, and drops the endings of ordinals.
func (f *dateFormat) english(text string) string {
	var b strings.Builder
	next := 0
	for text != "" {
		word := leadingWord(text)
		if word == "" {
			r, n := utf8.DecodeRuneInString(text)
			b.WriteString(text[:n])
			text = text[n:]
			if isDigit(r) {
				text = dropOrdinal(text)
			}
			continue
		}
		text = text[len(word):]
		if next < len(f.elements) {
			if name := f.translate(strings.ToLower(word), f.elements[next]); name != "" {
				next++
				word = name
				if !strings.Contains(f.layout, "Jan.") && !strings.Contains(f.layout, "Mon.") {
					text = strings.TrimPrefix(text, ".")
				}
			}
		}
		b.WriteString(word)
	}
	return b.String()
}

// leadingWord is the word that text begins with; a hyphen within is part of it.
func leadingWord(text string) string {
	end := 0
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && (r != '-' || end == 0 || !letterAt(text, i+1)) {
			return text[:i]
		}
		end = i + utf8.RuneLen(r)
	}
	return text[:min(end, len(text))]
}

func letterAt(text string, at int) bool {
	r, _ := utf8.DecodeRuneInString(text[min(at, len(text)):])
	return unicode.IsLetter(r)
}

// translate returns the English name of a month or weekday, or "".
func (f *dateFormat) translate(word string, element nameElement) string {
	list, english := f.names.months, dateLanguages["en"].months
	if element.weekday {
		list, english = f.names.weekdays, dateLanguages["en"].weekdays
	}
	at := nameIndex(list, word)
	if at < 0 {
		at = nameIndex(english, word)
	}
	switch {
	case at < 0:
		return ""
	case element.weekday && element.long:
		return time.Weekday(at).String()
	case element.weekday:
		return time.Weekday(at).String()[:3]
	case element.long:
		return time.Month(at + 1).String()
	default:
		return time.Month(at + 1).String()[:3]
	}
}

// ordinalEndings follow the number of a day: 1st, 1er, 1º.
var ordinalEndings = []string{"st", "nd", "rd", "th", "er", "º", "ª", "°"}

func dropOrdinal(text string) string {
	for _, ending := range ordinalEndings {
		if rest, ok := strings.CutPrefix(text, ending); ok && !letterAt(rest, 0) {
			return rest
		}
	}
	return text
}

// isoLayouts are the forms of ISO 8601 that are read; time tells whether they have one.
var isoLayouts = []struct {
	layout  string
	hasTime bool
}{
	{"2006-01-02T15:04:05Z07:00", true},
	{"2006-01-02T15:04:05Z0700", true},
	{"2006-01-02T15:04:05Z07", true},
	{"2006-01-02T15:04:05", true},
	{"2006-01-02T15:04Z07:00", true},
	{"2006-01-02T15:04Z0700", true},
	{"2006-01-02T15:04", true},
	{"20060102T150405Z07:00", true},
	{"20060102T150405Z0700", true},
	{"20060102T150405", true},
	{"2006-01-02", false},
	{"20060102", false},
	{"2006-002", false},
}

func parseISO(text string, zone *time.Location) (time.Time, bool, error) {
	normal := strings.Replace(strings.ToUpper(text), " ", "T", 1)
	normal = strings.ReplaceAll(strings.ReplaceAll(normal, " ", ""), "\u2212", "-")
	for _, iso := range isoLayouts {
		if t, err := time.ParseInLocation(iso.layout, normal, zone); err == nil {
			return t, iso.hasTime, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is no ISO 8601 date", excerpt(text))
}

// zoneOffsets are the hours from UTC of the abbreviations that are not ambiguous
// in practice; Go takes any other one for UTC.
var zoneOffsets = map[string]int{
	"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2,
	"EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
	"PST": -8, "PDT": -7, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

// knownZone gives t the offset of its zone's abbreviation, which Go's parser takes
// for 0 where the zone of the field does not have it.
func knownZone(t time.Time, zone *time.Location) (time.Time, error) {
	name, offset := t.Zone()
	if offset != 0 || t.Location() == zone || t.Location() == time.UTC || name == "" {
		return t, nil
	}
	hours, ok := zoneOffsets[name]
	if !ok {
		return t, fmt.Errorf("the time zone %q is not known", name)
	}
	return t.Add(-time.Duration(hours) * time.Hour), nil
}

// parseMailDate gives net/mail a numeric zone: it would look an abbreviation up in
// this machine's own zone.
func parseMailDate(text string) (time.Time, error) {
	normal := text
	if at := strings.LastIndexByte(text, ' '); at >= 0 {
		if hours, ok := zoneOffsets[strings.ToUpper(text[at+1:])]; ok {
			normal = fmt.Sprintf("%s %+03d00", text[:at], hours)
		}
	}
	t, err := mail.ParseDate(normal)
	if err != nil {
		return t, fmt.Errorf("%q is no RFC 2822 date", excerpt(text))
	}
	if name, offset := t.Zone(); offset == 0 && name != "" && name != "UTC" {
		return t, fmt.Errorf("the time zone %q is not known", name)
	}
	return t, nil
}

// parseUnix reads seconds since 1970; from 1e11 on (the year 5138) they are taken
// for milliseconds, as JavaScript has them.
func parseUnix(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 || countDigits(fraction) != len(fraction) {
		return time.Time{}, fmt.Errorf("%q is no Unix time", excerpt(text))
	}
	if seconds >= 1e11 || seconds <= -1e11 {
		if seconds >= 1e15 || seconds <= -1e15 {
			return time.Time{}, fmt.Errorf("the Unix time %q is out of range", excerpt(text))
		}
		return time.UnixMilli(seconds), nil
	}
	nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if strings.HasPrefix(whole, "-") {
		nanos = -nanos
	}
	return time.Unix(seconds, nanos), nil
}
