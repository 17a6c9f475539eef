package sites

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// numberFormat is how a locale writes numbers.
type numberFormat struct {
	decimal string // each rune may part whole and fraction
	group   string // each rune may part groups of digits
	lakh    bool   // groups of two before the last three (India)
}

// Groups as CLDR has them, with what is typed instead of the proper space or mark.
const (
	spaceGroups      = " \u00a0\u202f\u2009"
	apostropheGroups = "'\u2019"
)

var (
	dotFormat        = numberFormat{decimal: ".", group: ","}
	commaFormat      = numberFormat{decimal: ",", group: "."}
	spaceFormat      = numberFormat{decimal: ",", group: spaceGroups}
	apostropheFormat = numberFormat{decimal: ".", group: apostropheGroups}
	lakhFormat       = numberFormat{decimal: ".", group: ",", lakh: true}
	arabicFormat     = numberFormat{decimal: "٫.", group: "٬,"}
	fullWidthFormat  = numberFormat{decimal: ".．", group: ",，"}
)

// numberFormats are the formats by language, or by language and region; any other
// language writes 1,234.5.
var numberFormats = map[string]numberFormat{
	"de": commaFormat, "it": commaFormat, "es": commaFormat, "pt": commaFormat, "nl": commaFormat,
	"da": commaFormat, "id": commaFormat, "tr": commaFormat, "el": commaFormat, "ro": commaFormat,
	"hr": commaFormat, "sl": commaFormat, "sr": commaFormat, "bs": commaFormat, "vi": commaFormat,
	"is": commaFormat, "ca": commaFormat, "gl": commaFormat, "eu": commaFormat, "mk": commaFormat,
	"az": commaFormat, "sq": spaceFormat,
	"fr": spaceFormat, "sv": spaceFormat, "nb": spaceFormat, "no": spaceFormat, "nn": spaceFormat,
	"fi": spaceFormat, "pl": spaceFormat, "cs": spaceFormat, "sk": spaceFormat, "ru": spaceFormat,
	"uk": spaceFormat, "be": spaceFormat, "bg": spaceFormat, "hu": spaceFormat, "et": spaceFormat,
	"lt": spaceFormat, "lv": spaceFormat, "kk": spaceFormat, "ka": spaceFormat, "hy": spaceFormat,
	"ar": arabicFormat, "fa": arabicFormat, "ur": arabicFormat,
	"ja": fullWidthFormat, "zh": fullWidthFormat, "ko": fullWidthFormat,
	"hi": lakhFormat, "bn": lakhFormat, "ta": lakhFormat, "te": lakhFormat, "mr": lakhFormat,
	"gu": lakhFormat, "kn": lakhFormat, "ml": lakhFormat, "pa": lakhFormat, "or": lakhFormat,

	"en-IN": lakhFormat, "en-ZA": spaceFormat, "en-CH": apostropheFormat,
	"de-CH": apostropheFormat, "it-CH": apostropheFormat, "rm-CH": apostropheFormat,
	"de-LI": apostropheFormat, "gsw-CH": apostropheFormat,
	"fr-CH": {decimal: ",.", group: spaceGroups + apostropheGroups},
	"de-AT": {decimal: ",", group: "." + spaceGroups},
	"es-ES": {decimal: ",", group: "." + spaceGroups},
	"es-MX": dotFormat, "es-US": dotFormat, "es-419": dotFormat, "es-GT": dotFormat, "es-HN": dotFormat,
	"es-NI": dotFormat, "es-PA": dotFormat, "es-PE": dotFormat, "es-PR": dotFormat, "es-SV": dotFormat,
	"es-DO": dotFormat,
	"es-CR": spaceFormat,
	"pt-PT": spaceFormat,
	"ar-MA": {decimal: ",٫", group: ".٬"}, "ar-DZ": {decimal: ",٫", group: ".٬"},
	"ar-TN": {decimal: ",٫", group: ".٬"}, "ar-LY": {decimal: ",٫", group: ".٬"},
}

// numberFormatOf returns the format of a BCP 47 tag; "" is en.
func numberFormatOf(locale string) (numberFormat, error) {
	if locale == "" {
		return dotFormat, nil
	}
	tag, err := language.Parse(locale)
	if err != nil {
		return numberFormat{}, fmt.Errorf("locale %q: %w", locale, err)
	}
	base, _ := tag.Base()
	if _, _, region := tag.Raw(); region.String() != "ZZ" {
		if f, ok := numberFormats[base.String()+"-"+region.String()]; ok {
			return f, nil
		}
	}
	if f, ok := numberFormats[base.String()]; ok {
		return f, nil
	}
	return dotFormat, nil
}

var (
	errNoNumber  = errors.New("there is no number in it")
	errDigitsBig = fmt.Errorf("it has more than %d digits", maxNumberDigits)
)

// number returns the first number in text as an exact decimal: no rounding, no
// grouping, a point before the fraction, "-" before a negative one. What could be
// read in two ways (1.5 where the point parts thousands) is an error, not a guess.
func (f numberFormat) number(text string) (string, error) {
	runes := asciiDigits([]rune(text))
	start := f.firstDigit(runes)
	if start < 0 {
		return "", errNoNumber
	}
	s := numberScan{format: f, runes: runes, pos: start}
	whole, fraction, err := s.read()
	if err != nil {
		return "", err
	}
	if len(whole)+len(fraction) > maxNumberDigits {
		return "", errDigitsBig
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	number := whole
	if fraction != "" {
		number += "." + fraction
	}
	if isNegative(runes, start, s.pos, fraction != "") && strings.Trim(number, "0.") != "" {
		number = "-" + number
	}
	return number, nil
}

// asciiDigits makes every decimal digit of Unicode one of 0 to 9, in place.
func asciiDigits(runes []rune) []rune {
	for i, r := range runes {
		if r > unicode.MaxASCII && unicode.IsDigit(r) {
			runes[i] = '0' + digitValue(r)
		}
	}
	return runes
}

// digitValue is the value of a decimal digit: Unicode has them in runs of ten, and
// each range of the table begins with a zero.
func digitValue(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return (r - rune(t.Lo)) % 10
		}
	}
	return 0
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// firstDigit is where the first number begins: at a digit, or at a decimal mark
// before one that nothing else precedes.
func (f numberFormat) firstDigit(runes []rune) int {
	for i, r := range runes {
		if !isDigit(r) {
			continue
		}
		if i > 0 && strings.ContainsRune(f.decimal, runes[i-1]) && (i == 1 || isBeforeNumber(runes[i-2])) {
			return i - 1
		}
		return i
	}
	return -1
}

// isBeforeNumber tells whether r may stand right before a number that begins with
// its decimal mark.
func isBeforeNumber(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) || strings.ContainsRune("-\u2212+(", r)
}

// numberScan reads one number from pos on.
type numberScan struct {
	format numberFormat
	runes  []rune
	pos    int
}

func (s *numberScan) digits() string {
	start := s.pos
	for s.pos < len(s.runes) && isDigit(s.runes[s.pos]) {
		s.pos++
	}
	return string(s.runes[start:s.pos])
}

// mark tells whether one of marks stands at pos, with a digit after it.
func (s *numberScan) mark(marks string) bool {
	return s.pos+1 < len(s.runes) && strings.ContainsRune(marks, s.runes[s.pos]) && isDigit(s.runes[s.pos+1])
}

func (s *numberScan) read() (whole, fraction string, err error) {
	if whole, err = s.whole(); err != nil {
		return "", "", err
	}
	if s.mark(s.format.decimal) {
		s.pos++
		fraction = s.digits()
	}
	if s.mark(numberMarks) {
		return "", "", fmt.Errorf("%q goes on where a number of its locale ends", excerpt(string(s.runes)))
	}
	return whole, fraction, nil
}

// numberMarks part digits in some locale; with a digit behind them they never end a
// number.
const numberMarks = ".,'\u2019\u066b\u066c\uff0e\uff0c"

// whole reads the digits before the fraction, and the groups they come in.
func (s *numberScan) whole() (string, error) {
	groups := []string{s.digits()}
	var separator rune
	for s.mark(s.format.group) && (separator == 0 || s.runes[s.pos] == separator) {
		before := s.pos
		separator = s.runes[s.pos]
		s.pos++
		group := s.digits()
		if len(group) != 3 && !(s.format.lakh && len(group) == 2) || len(groups[0]) > 3 || groups[0] == "" {
			if unicode.IsSpace(separator) { // a space may end the number
				s.pos = before
				break
			}
			return "", fmt.Errorf("%q parts its digits otherwise than its locale does", excerpt(string(s.runes)))
		}
		groups = append(groups, group)
	}
	if n := len(groups); n > 1 && len(groups[n-1]) != 3 {
		return "", fmt.Errorf("%q parts its digits otherwise than its locale does", excerpt(string(s.runes)))
	}
	return strings.Join(groups, ""), nil
}

// isNegative tells whether the number at [start, end) is negative: a minus before
// it, with at most a currency sign and spaces between; or the whole text in
// parentheses as accountants do. A bare whole number in parentheses, "(23)", is a
// count and positive.
func isNegative(runes []rune, start, end int, fraction bool) bool {
	i := start - 1
	currency := false
	for i >= 0 && (unicode.IsSpace(runes[i]) || unicode.Is(unicode.Sc, runes[i])) {
		currency = currency || unicode.Is(unicode.Sc, runes[i])
		i--
	}
	if i < 0 {
		return false
	}
	switch runes[i] {
	case '-', '\u2212', '\uff0d', '\ufe63':
		return i == 0 || !unicode.IsLetter(runes[i-1]) && !unicode.IsDigit(runes[i-1])
	case '(':
		return isAccounting(runes, i, end, currency || fraction)
	}
	return false
}

func isAccounting(runes []rune, open, end int, amount bool) bool {
	if strings.TrimSpace(string(runes[:open])) != "" {
		return false
	}
	inside, after, closed := strings.Cut(string(runes[end:]), ")")
	if !closed || strings.TrimSpace(after) != "" {
		return false
	}
	inside = strings.TrimSpace(inside)
	for _, r := range inside {
		if !unicode.Is(unicode.Sc, r) && r != '%' && !unicode.IsUpper(r) && !unicode.IsSpace(r) {
			return false
		}
	}
	return amount || inside != ""
}
