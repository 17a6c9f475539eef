package sites

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse looks for a text on which the loader panics or says nothing clear.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"examples/*.yaml", "testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	for _, text := range []string{"", "\t", "a: &a [*a]", "? ? ?", "- - -", "{", "!!str", "templates: {name: a, items: {fields: {<<: {a: a}}}}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		site, err := Parse("f", data)
		if err == nil {
			site.Warnings()
			_, err := site.CronSchedule()
			require.NoError(t, err)
			return
		}
		require.Nil(t, site)
		var faults Faults
		require.True(t, errors.As(err, &faults), "%v", err)
		require.NotEmpty(t, faults)
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
		for i, fault := range faults {
			require.GreaterOrEqual(t, fault.Line, 1)
			require.LessOrEqual(t, fault.Line, lines+1)
			require.GreaterOrEqual(t, fault.Column, 1)
			require.NotEmpty(t, fault.Message)
			require.NotContains(t, fault.String(), "\n")
			if i > 0 {
				require.LessOrEqual(t, faults[i-1].Line, fault.Line)
			}
		}
	})
}

// FuzzSelectors looks for a selector on which a checker panics or does not end.
func FuzzSelectors(f *testing.F) {
	for _, list := range [][]string{validSelectors, invalidSelectors, unclosedSelectors, validXPaths, invalidXPaths} {
		for _, text := range list {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, err := range []error{checkCSS(text), checkXPath(text)} {
			if err != nil {
				require.NotEmpty(t, err.Error())
			}
		}
	})
}
