package browser

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is done about a tab follows from its pages and from what its renderer holds.
func TestWhenATabIsTidied(t *testing.T) {
	const mark = 60
	for name, c := range map[string]struct {
		was     tidiness
		held    int64
		every   int
		mark    int64
		reason  TidyReason
		replace bool
	}{
		"nothing is asked for":                        {was: tidiness{since: 1000}, held: 900},
		"pages":                                       {was: tidiness{since: 50}, every: 50, reason: TidyPages},
		"too few pages":                               {was: tidiness{since: 49}, every: 50},
		"pages, whatever memory":                      {was: tidiness{since: 50}, held: 10, every: 50, mark: mark, reason: TidyPages},
		"below the mark":                              {was: tidiness{since: 20}, held: 59, every: 50, mark: mark},
		"the mark":                                    {was: tidiness{since: 20}, held: 60, every: 50, mark: mark, reason: TidyMemory},
		"the mark, without a number of pages":         {was: tidiness{since: 20}, held: 60, mark: mark, reason: TidyMemory},
		"memory is not known":                         {was: tidiness{since: 20}, every: 50, mark: mark},
		"collected two pages ago":                     {was: tidiness{since: 2}, held: 99, mark: mark},
		"most of it is still open":                    {was: tidiness{since: 9, left: 50}, held: 64, mark: mark},
		"a quarter of the mark more":                  {was: tidiness{since: 9, left: 50}, held: 65, mark: mark, reason: TidyMemory},
		"large pages: a quarter of what is left":      {was: tidiness{since: 9, left: 100}, held: 124, mark: mark},
		"large pages, and their garbage":              {was: tidiness{since: 9, left: 100}, held: 125, mark: mark, reason: TidyMemory},
		"just collected, and still twice the mark":    {was: tidiness{pages: 50, since: 1, fresh: true}, held: 120, mark: mark, reason: TidyMemory, replace: true},
		"just collected, and not twice":               {was: tidiness{pages: 50, since: 1, fresh: true}, held: 119, mark: mark},
		"just collected, but a young tab":             {was: tidiness{pages: 49, since: 1, fresh: true}, held: 500, mark: mark},
		"collected, and no page since":                {was: tidiness{pages: 50, fresh: true}, held: 120, mark: mark},
		"twice the mark, but long after a collection": {was: tidiness{pages: 50, since: 4, left: 40}, held: 120, mark: mark, reason: TidyMemory},
	} {
		t.Run(name, func(t *testing.T) {
			reason, replace := c.was.next(c.held, c.every, c.mark)
			require.Equal(t, c.reason, reason)
			require.Equal(t, c.replace, replace)
		})
	}
}

// What the first lease after a collection finds is what the collection left.
func TestWhatACollectionLeaves(t *testing.T) {
	d := tidiness{pages: 10, since: 7}
	d.collected()
	require.Equal(t, tidiness{pages: 17, fresh: true}, d)
	d.since++
	_, _ = d.next(70, 0, 60)
	require.Equal(t, tidiness{pages: 17, since: 1, left: 70}, d)
}

func TestParseSearchID(t *testing.T) {
	for id, want := range map[string]int{"16321.0": 16321, "1000016321.12": 16321, "": 0, "16321": 0, "x.1": 0, "-4.1": 0, ".1": 0} {
		pid, err := parseSearchID(id)
		require.Equal(t, want == 0, errors.Is(err, errNoRenderer), id)
		require.Equal(t, want, max(pid, 0), id)
	}
}

func TestParseStatm(t *testing.T) {
	for text, want := range map[string]int64{
		"358812 21950 17853 44122 0 118041 0\n": 4097, "0 0 0 0 0 0 0\n": 0, "": 0, "1 2": 0, "1 a 2 3": 0, "9 4 5 0": 0,
	} {
		pages, err := parseStatm([]byte(text))
		require.Equal(t, want == 0, err != nil, text)
		require.Equal(t, want, pages, text)
	}
	own, err := readAnon(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, own)
	_, err = readAnon(1 << 30)
	require.Error(t, err)
}
