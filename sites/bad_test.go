package sites

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// Each file of testdata/bad ends with the faults that it must give, one a comment:
//
//	# want 3:11: schedule: ...
//
// and says whether the JSON Schema refuses the file too:
//
//	# schema refuses
const (
	wantMark   = "# want "
	schemaMark = "# schema refuses"
)

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 50)
	schema := resolvedSchema(t)
	refused := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			var wants []string
			schemaRefuses := false
			for line := range strings.Lines(string(data)) {
				line = strings.TrimSuffix(line, "\n")
				if want, ok := strings.CutPrefix(line, wantMark); ok {
					wants = append(wants, want)
				}
				schemaRefuses = schemaRefuses || line == schemaMark
			}
			site, err := Parse(file, data)
			require.Nil(t, site)
			var faults Faults
			require.ErrorAs(t, err, &faults)
			var got []string
			for _, fault := range faults {
				line, ok := strings.CutPrefix(fault.String(), file+":")
				require.True(t, ok, fault.String())
				require.NotContains(t, line, "\n")
				got = append(got, line)
			}
			require.Equal(t, wants, got)
			var value any
			if yaml.Load(data, &value) != nil {
				return // an editor shows the syntax error itself
			}
			err = underSchema(t, schema, data)
			require.Equal(t, schemaRefuses, err != nil, "refused by the schema: %v", err)
			if err != nil {
				refused++
			}
		})
	}
	require.GreaterOrEqual(t, refused, 30)
}

// The faults of a file that cannot stand in testdata as text.
func TestBadBytes(t *testing.T) {
	good, err := os.ReadFile("testdata/good/short-forms.yaml")
	require.NoError(t, err)
	text := "name: shop\ndescription: " // what comes next stands at 2:14
	for name, test := range map[string]struct{ data, want string }{
		"empty":      {"", "f:1:1: the file holds no site; a site needs at least name, start and templates"},
		"comment":    {"# nothing\n", "f:1:1: the file holds no site; a site needs at least name, start and templates"},
		"null":       {"---\n~\n", "f:1:1: the file holds no site; a site needs at least name, start and templates"},
		"bom":        {"\xef\xbb\xbf" + string(good), "f:1:1: the file starts with a byte order mark; save it as UTF-8 without BOM"},
		"utf-16":     {"\xff\xfen\x00a\x00", "f:1:1: the file is UTF-16; save it as UTF-8"},
		"latin-1":    {text + "K\xe4se\n", "f:2:15: byte 0xE4 is not UTF-8; save the file as UTF-8"},
		"surrogate":  {text + "\xed\xa0\x80\n", "f:2:14: byte 0xED is not UTF-8; save the file as UTF-8"},
		"nul":        {text + "ä\x00\n", "f:2:15: control character U+0000; remove it, or write it as an escape in double quotes"},
		"bell":       {text + "\a\n", "f:2:14: control character U+0007; remove it, or write it as an escape in double quotes"},
		"bom inside": {text + "\ufeff\n", "f:2:14: control character U+FEFF; remove it, or write it as an escape in double quotes"},
		"too large":  {string(good) + strings.Repeat("# filler\n", MaxFileBytes/9+1), "f:1:1: the file is larger than 1MiB; a site file is written by hand; split it into several sites"},
		"deep flow":  {"name: " + strings.Repeat("[", 50_000), "f:1:10007: values are nested too deeply"},
	} {
		t.Run(name, func(t *testing.T) {
			site, err := Parse("f", []byte(test.data))
			require.Nil(t, site)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestBadDepth(t *testing.T) {
	const before = "templates: [{name: a, items: [{fields: {x: {css: x, default: "
	text := before + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}}}]}]\nname: a\nstart: http://a/\n"
	_, err := Parse("f", []byte(text))
	var faults Faults
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 1)
	require.Equal(t, "values are nested too deeply or repeated too often by aliases", faults[0].Message)
	depth := strings.Count(faults[0].Path, "[0]") - 2 // templates[0].items[0] come before
	require.Equal(t, Fault{Line: 1, Column: len(before) + depth}, Fault{Line: faults[0].Line, Column: faults[0].Column})
}

// An alias that doubles with each line must cost neither memory nor time, wherever any
// value may stand and where only some may.
func TestBadAliases(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	indented := strings.ReplaceAll("\n"+strings.TrimSuffix(bomb.String(), "\n"), "\n", "\n          ")
	text := "name: a\nstart: http://a/\ntemplates:\n  - name: a\n    items:\n      - fields:\n          x:\n            css: x\n            default:" +
		strings.ReplaceAll(indented, "\n          ", "\n              ") + "\n"
	_, err := Parse("f", []byte(text))
	var faults Faults
	require.True(t, errors.As(err, &faults))
	require.Len(t, faults, 1)
	require.Equal(t, "values are nested too deeply or repeated too often by aliases", faults[0].Message)

	_, err = Parse("f", []byte(bomb.String()+"name: a\nstart: *a39\n"))
	require.ErrorAs(t, err, &faults)
	require.LessOrEqual(t, len(faults), 50)
}
