package sites

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumber(t *testing.T) {
	for _, c := range []struct{ locale, text, want string }{
		{"en", "1,234.50", "1234.50"},
		{"", "$1,234,567.891", "1234567.891"},
		{"en-US", "Price: -$5.00 each", "-5.00"},
		{"en", "007", "7"},
		{"en", "0.10", "0.10"},
		{"en", ".5", "0.5"},
		{"en", "costs 5.", "5"},
		{"en", "-0.00", "0.00"},
		{"en", "45 %", "45"},
		{"en", "5-10", "5"},
		{"en", "model-5", "5"},
		{"en", "\u22123.5", "-3.5"},
		{"en", "($1,234.50)", "-1234.50"},
		{"en", "(1.50)", "-1.50"},
		{"en", "(USD 3)", "3"},
		{"en", "(3 USD)", "-3"},
		{"en", "(23)", "23"},
		{"en", "(23 reviews)", "23"},
		{"en", "12345678901234567890.123456789012345678901234567890", "12345678901234567890.123456789012345678901234567890"},
		{"de", "1.234,50 €", "1234.50"},
		{"de-DE", "− 12,5 %", "-12.5"},
		{"de", "1.234", "1234"},
		{"de", "ab 5,- €", "5"},
		{"de-CH", "CHF 1'234.50", "1234.50"},
		{"de-CH", "1’234’567.–", "1234567"},
		{"de-AT", "1 234,5", "1234.5"},
		{"fr", "1 234,50 €", "1234.50"},
		{"fr", "1\u202f234\u202f567,5", "1234567.5"},
		{"fr-FR", "12\u00a0345", "12345"},
		{"fr", "2 x 3", "2"},
		{"fr", "5 12", "5"},
		{"es", "1.234,5", "1234.5"},
		{"es-MX", "1,234.5", "1234.5"},
		{"it", "€ 1.234,5", "1234.5"},
		{"pt-BR", "R$ 1.234,56", "1234.56"},
		{"sv", "1 234,50 kr", "1234.50"},
		{"pl", "1 234,50 zł", "1234.50"},
		{"ru", "1 234,50 ₽", "1234.50"},
		{"en-IN", "₹12,34,567.50", "1234567.50"},
		{"hi", "१२,३४,५६७.५", "1234567.5"},
		{"ja", "１，２３４．５円", "1234.5"},
		{"zh", "¥1,234", "1234"},
		{"ar", "١٬٢٣٤٫٥", "1234.5"},
		{"ar-EG", "١٢٣", "123"},
		{"ar-MA", "1.234,5", "1234.5"},
		{"fa", "۱۲۳", "123"},
	} {
		t.Run(c.locale+" "+c.text, func(t *testing.T) {
			f, err := numberFormatOf(c.locale)
			require.NoError(t, err)
			got, err := f.number(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// A number that could be read in two ways is refused.
func TestNumberRefused(t *testing.T) {
	for _, c := range []struct{ locale, text string }{
		{"en", ""},
		{"en", "none"},
		{"en", "12,50"},
		{"en", "1.2.3"},
		{"en", "1,234,5"},
		{"en", "1234,567"},
		{"de", "1.5"},
		{"de", "12.03.2026"},
		{"de", "1.234.56"},
		{"en-IN", "1,23"},
		{"fr", "1,2,3"},
		{"en", strings.Repeat("9", 1001)},
	} {
		f, err := numberFormatOf(c.locale)
		require.NoError(t, err)
		got, err := f.number(c.text)
		require.Error(t, err, "%s %q gave %s", c.locale, c.text, got)
	}
	_, err := numberFormatOf("not a locale")
	require.Error(t, err)
}

func TestDate(t *testing.T) {
	for _, c := range []struct{ layout, locale, zone, text, want string }{
		{"iso8601", "", "", "2026-01-31", "2026-01-31"},
		{"iso8601", "", "", "20260131", "2026-01-31"},
		{"iso8601", "", "", "2026-01-31T12:30:00+02:00", "2026-01-31T10:30:00Z"},
		{"iso8601", "", "", "2026-01-31 12:30:00.5Z", "2026-01-31T12:30:00.5Z"},
		{"iso8601", "", "Europe/Berlin", "2026-07-31T12:30", "2026-07-31T10:30:00Z"},
		{"iso8601", "", "", "2026-01-31T12:30:00+0200", "2026-01-31T10:30:00Z"},
		{"iso8601", "", "", "2026-031", "2026-01-31"},
		{"rfc2822", "", "", "Sat, 31 Jan 2026 12:30:00 +0100", "2026-01-31T11:30:00Z"},
		{"rfc2822", "", "", "Sat, 31 Jan 2026 12:30:00 EST", "2026-01-31T17:30:00Z"},
		{"rfc2822", "", "", "31 Jan 2026 12:30 GMT", "2026-01-31T12:30:00Z"},
		{"unix", "", "", "1769862600", "2026-01-31T12:30:00Z"},
		{"unix", "", "", "1769862600123", "2026-01-31T12:30:00.123Z"},
		{"unix", "", "", "1769862600.5", "2026-01-31T12:30:00.5Z"},
		{"2006-01-02", "", "", "2026-01-31", "2026-01-31"},
		{"January 2, 2006", "en", "", "JANUARY 31st, 2026", "2026-01-31"},
		{"Jan 2, 2006", "en", "", "Sept. 3, 2026", "2026-09-03"},
		{"2. January 2006", "de", "", "3. März 2026", "2026-03-03"},
		{"2. January 2006", "de-AT", "", "3. Jänner 2026", "2026-01-03"},
		{"Mon, 2. Jan 2006, 15:04 Uhr", "de", "Europe/Berlin", "Di., 3. Feb. 2026, 12:30 Uhr", "2026-02-03T11:30:00Z"},
		{"Monday 2 January 2006", "fr", "", "Mardi 3\u00a0février 2026", "2026-02-03"},
		{"2 Jan 2006", "fr", "", "1er févr. 2026", "2026-02-01"},
		{"Mon 2 Jan 2006", "fr", "", "mar. 3 mars 2026", "2026-03-03"},
		{"2 de January de 2006", "es", "", "3 de marzo de 2026", "2026-03-03"},
		{"Monday, 2 de January de 2006", "es", "", "martes, 3 de marzo de 2026", "2026-03-03"},
		{"Monday 2 January 2006", "it", "", "martedì 3 marzo 2026", "2026-03-03"},
		{"Monday, 2 de January de 2006", "pt-BR", "", "terça-feira, 3 de março de 2026", "2026-03-03"},
		{"Monday 2 January 2006", "nl", "", "dinsdag 3 maart 2026", "2026-03-03"},
		{"2 January 2006", "sv", "", "3 maj 2026", "2026-05-03"},
		{"2 January 2006", "pl", "", "3 września 2026", "2026-09-03"},
		{"2 January 2006", "ru", "", "3 сентября 2026", "2026-09-03"},
		{"2006/01/02", "ar", "", "٢٠٢٦/٠١/٣١", "2026-01-31"},
		{"2006年1月2日", "ja", "", "２０２６年１月３１日", "2026-01-31"},
		{"2006-01-02 15:04 MST", "", "", "2026-01-31 12:30 CET", "2026-01-31T11:30:00Z"},
		{"2006-01-02 15:04 MST", "", "America/New_York", "2026-01-31 12:30 EST", "2026-01-31T17:30:00Z"},
	} {
		t.Run(c.layout+" "+c.text, func(t *testing.T) {
			f, err := newDateFormat(c.layout, c.locale, c.zone)
			require.NoError(t, err)
			got, err := f.date(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestDateRefused(t *testing.T) {
	for _, c := range []struct{ layout, text string }{
		{"iso8601", "31.01.2026"},
		{"iso8601", "2026-02-30"},
		{"iso8601", ""},
		{"rfc2822", "yesterday"},
		{"unix", "soon"},
		{"unix", "99999999999999999"},
		{"rfc2822", "Sat, 31 Jan 2026 12:30:00 XYZ"},
		{"2006-01-02 MST", "2026-01-31 XYZ"},
		{"2006-01-02", "0000-01-01"},
		{"2 January 2006", "3 Brumaire 2026"},
	} {
		f, err := newDateFormat(c.layout, "", "")
		require.NoError(t, err)
		got, err := f.date(c.text)
		require.Error(t, err, "%s %q gave %s", c.layout, c.text, got)
	}
	for _, c := range []struct{ layout, locale, zone string }{
		{"", "", ""},
		{"January 2", "", ""},
		{"15:04", "", ""},
		{"2006-01-02", "", "Mars/Olympus"},
		{"2 January 2006", "tlh", ""},
		{"2 January 2006", "not a locale", ""},
	} {
		_, err := newDateFormat(c.layout, c.locale, c.zone)
		require.Error(t, err, c.layout)
	}
}

// Every language has twelve months and seven weekdays, and reads each of its names.
func TestDateNames(t *testing.T) {
	for code, names := range dateLanguages {
		require.Len(t, names.months, 12, code)
		require.Len(t, names.weekdays, 7, code)
		f, err := newDateFormat("2 January 2006", code, "")
		require.NoError(t, err)
		for i, alternatives := range names.months {
			for _, name := range strings.Split(alternatives, "/") {
				got, err := f.date("3 " + name + " 2026")
				require.NoError(t, err, "%s %s", code, name)
				require.Equal(t, i+1, int(got[5]-'0')*10+int(got[6]-'0'), "%s %s", code, name)
			}
		}
	}
}

func TestBoolean(t *testing.T) {
	for _, c := range []struct {
		conversion conversion
		text, want string
	}{
		{conversion{}, " Yes ", "true"},
		{conversion{}, "0", "false"},
		{conversion{}, "Off", "false"},
		{conversion{}, "ДА", "true"},
		{conversion{presence: true}, " ", "true"},
		{conversion{attr: "disabled"}, "", "true"},
		{conversion{attr: "checked"}, "CHECKED", "true"},
	} {
		c.conversion.kind = TypeBoolean
		v, err := c.conversion.text(c.text, nil)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, v.text)
	}
	_, err := (&conversion{kind: TypeBoolean}).text("perhaps", nil)
	require.Error(t, err)
}

func TestAbsoluteURL(t *testing.T) {
	base, err := url.Parse("https://example.org/a/b?q#f")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"c":                  "https://example.org/a/c",
		" ../x y#z ":         "https://example.org/x%20y#z",
		"?p=100%":            "https://example.org/a/b?p=100%25",
		"//other.org":        "https://other.org/",
		`\\other.org\x`:      "https://other.org/x",
		"mailto:a@b.org":     "mailto:a@b.org",
		"http://x.org/a\nb":  "http://x.org/ab",
		"#top":               "https://example.org/a/b?q#top",
		"HTTPS://x.org/%7ea": "https://x.org/~a",
	} {
		got, err := absoluteURL(text, base)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "java\nscript:x"} {
		_, err := absoluteURL(text, base)
		require.Error(t, err, text)
	}
	_, err = absoluteURL("relative", nil)
	require.Error(t, err)
}

func TestHash(t *testing.T) {
	same := []string{`{"a":1,"b":[1.50,"x"]}`, `{"b":[15e-1,"x"],"a":1.0}`, `{"a":1E0, "b":[0.15e+1,"\u0078"]}`}
	other := []string{`{"a":1,"b":["x",1.5]}`, `{"a":"1","b":[1.5,"x"]}`, `{"a":-1,"b":[1.5,"x"]}`, `{"a":10,"b":[1.5,"x"]}`}
	hash := func(text string) string {
		v, err := parseJSON(text)
		require.NoError(t, err)
		return v.hash()
	}
	for _, text := range same {
		require.Equal(t, hash(same[0]), hash(text), text)
	}
	for _, text := range other {
		require.NotEqual(t, hash(same[0]), hash(text), text)
	}
	require.Equal(t, hash("0"), hash("-0.00e7"))
}

func TestKeyNumber(t *testing.T) {
	for literal, want := range map[string]string{
		"1200": "1200", "1200.0": "1200", "12e2": "1200", "-0.0": "0", "-1.50": "-1.5", "15e-3": "0.015", "-1.5E-1": "-0.15",
		"1e31": "1e31", "1e-1001": "1e-1001", "0.1e1": "1",
	} {
		require.Equal(t, want, keyNumber(literal), literal)
	}
}
