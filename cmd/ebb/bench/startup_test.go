package bench

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStartupFigures(t *testing.T) {
	s := &Startup{Pairs: []StartPair{{Bare: 100, Scrape: 120, Exit: 5}, {Bare: 200, Scrape: 300, Exit: 9}, {Bare: 100, Scrape: 130, Exit: 7}}}
	s.sum()
	require.Equal(t, []float64{100, 130, 7}, []float64{s.Bare, s.Scrape, s.Exit})
	require.Equal(t, &Ratio{Median: 1.3, Lo: 1.2, Hi: 1.5}, s.Ratio)
	require.True(t, s.Pass)
	s.Pairs = append(s.Pairs, StartPair{Bare: 100, Scrape: 170}, StartPair{Bare: 100, Scrape: 180})
	s.sum()
	require.False(t, s.Pass)
}

func TestReadItems(t *testing.T) {
	items, came, err := readItems(strings.NewReader(`{"site":"shop","kind":"category","key":"Lamps","data":{"n":1}}` + "\n"))
	require.NoError(t, err)
	require.False(t, came.IsZero())
	require.Len(t, items, 1)
	require.Equal(t, []string{"category", "Lamps", `{"n":1}`}, []string{items[0].Kind, items[0].Key, string(items[0].Data)})
	_, _, err = readItems(strings.NewReader("no JSON\n"))
	require.ErrorContains(t, err, "read an item")
	_, _, err = readItems(strings.NewReader(""))
	require.EqualError(t, err, "it printed no item")
}

func TestScrapeThatFails(t *testing.T) {
	o := StartupOptions{Job: newJob(t, 1), Scrape: func() *exec.Cmd { return shell("echo 'no usable Chrome' >&2; exit 4") }}
	_, _, _, err := o.scrape(t.Context())
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 4, exit.Code)
	o.Scrape = func() *exec.Cmd { return shell(`echo '{"kind":"category","key":"Lamps","data":{}}'`) }
	_, _, wrong, err := o.scrape(t.Context())
	require.NoError(t, err)
	require.Len(t, wrong, 6)
	require.Contains(t, wrong[0], "category Lamps is {}, not ")
}
