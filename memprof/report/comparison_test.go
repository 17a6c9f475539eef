package report

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func comparisonText(t *testing.T, c memprof.Comparison, width int, color bool) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ComparisonText(&out, c, width, color))
	return out.String()
}

func comparisonJSON(t *testing.T, c memprof.Comparison) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ComparisonJSON(&out, c))
	return out.Bytes()
}

func comparisonHTML(t *testing.T, c memprof.Comparison) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, ComparisonHTML(&out, c))
	return out.String()
}

func TestComparisonText(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(comparisons())) {
		t.Run(name, func(t *testing.T) {
			c := comparisons()[name]()
			wide := comparisonText(t, c, 100, false)
			golden(t, "comparison-"+name, wide, 100)
			require.LessOrEqual(t, strings.Count(wide, "\n"), 46, "it is one screen")
			golden(t, "comparison-"+name+"-80", comparisonText(t, c, 80, false), 80)
			for _, hostile := range []string{"NaN", "\x1b", "\x07", "\u009b", "\u202e"} {
				require.NotContains(t, wide, hostile)
			}
		})
	}
}

// Colours change nothing but colours.
func TestComparisonTextInColour(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	colored := comparisonText(t, worsened(), 100, true)
	for _, part := range []string{"\x1b[1;31mNot verified", "\x1b[1;31mfail\x1b[0m", "\x1b[1;32mpass\x1b[0m", "\x1b[1;33mcannot tell\x1b[0m", "\x1b[1;31mincreased"} {
		require.Contains(t, colored, part)
	}
	require.Equal(t, comparisonText(t, worsened(), 100, false), escapes.ReplaceAllString(colored, ""))
	require.EqualError(t, ComparisonText(broken{}, mended(), 0, false), "write the table: pipe closed")
}

func TestComparisonJSON(t *testing.T) {
	c := mended()
	c.Rates = c.Rates[:2]
	file(t, "comparison-mended.json", comparisonJSON(t, c))
	file(t, "comparison-nothing.json", comparisonJSON(t, memprof.Comparison{}))
	text := comparisonJSON(t, mended())
	var back memprof.Comparison
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, string(text), string(comparisonJSON(t, back)), "a program that reads it has the same")
	require.EqualError(t, ComparisonJSON(broken{}, mended()), "write the comparison: pipe closed")
}

// TestComparisonSchemaIsCurrent: the schema is made of the types and their comments, and what is written
// keeps to it.
func TestComparisonSchemaIsCurrent(t *testing.T) {
	source := readSource(t)
	requireSchema(t, "comparison.schema.json", source.root(reflect.TypeFor[memprof.Comparison](), "A comparison of ebb", memprof.ComparisonSchema))
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(ComparisonJSONSchema(), &schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	for _, make := range []func() memprof.Comparison{mended, worsened} {
		var value map[string]any
		require.NoError(t, json.Unmarshal(comparisonJSON(t, make()), &value))
		require.NoError(t, resolved.Validate(value))
		value["checks"].([]any)[0].(map[string]any)["state"] = "fine"
		require.Error(t, resolved.Validate(value))
		delete(value, "checks")
		require.Error(t, resolved.Validate(value))
	}
}

func TestComparisonHTML(t *testing.T) {
	c := mended()
	c.Rates = c.Rates[:2]
	style := regexp.MustCompile(`<style>[^<]*</style>`) // which pages share
	file(t, "comparison-mended.html", []byte(style.ReplaceAllString(comparisonHTML(t, c), "<style></style>")))
	for _, name := range slices.Sorted(maps.Keys(comparisons())) {
		t.Run(name, func(t *testing.T) {
			text := comparisonHTML(t, comparisons()[name]())
			require.Contains(t, text, `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`)
			requireInert(t, text)
			require.NotRegexp(t, `url\(|@import`, comparisonStyle)
			for _, never := range []string{"NaN", "Inf", "ZgotmplZ", "%!", "\x1b", "\x07", "\u009b", "\u202e"} {
				require.NotContains(t, text, never)
			}
			for _, drawing := range drawings.FindAllString(text, -1) {
				requireXML(t, drawing)
			}
		})
	}
	require.EqualError(t, ComparisonHTML(broken{}, mended()), "write the comparison: pipe closed")
}

// Both courses stand in one plot, and each change in its table.
func TestComparisonHTMLDraws(t *testing.T) {
	text := comparisonHTML(t, mended())
	require.Equal(t, 3, strings.Count(text, `class="run w-before"`), "Chrome's memory, the worker's, and the nodes")
	require.Equal(t, 3, strings.Count(text, `class="run w-after"`))
	require.Equal(t, 3*25-1, strings.Count(text, `class="point w-before"`), "a gap has no point")
	require.Equal(t, 2+2+3+1, strings.Count(text, `class="whisker"`))
	require.Contains(t, text, "13 unchanged")
	require.Contains(t, text, "HeadlessChrome/157.0.1.0")
}

// TestComparePageNamesEverything: docs/compare.md explains each check, state and verdict.
func TestComparePageNamesEverything(t *testing.T) {
	data, err := os.ReadFile("../../docs/compare.md")
	require.NoError(t, err)
	source := readSource(t)
	for _, of := range []string{"CheckState", "CheckName", "ChangeVerdict"} {
		require.NotEmpty(t, source.values[of])
		for _, value := range source.values[of] {
			require.Contains(t, string(data), "`"+value.(string)+"`")
		}
	}
	require.Contains(t, string(data), memprof.ComparisonSchema)
}
