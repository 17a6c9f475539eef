package browser

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is done about a tab follows from its pages and from what its renderer holds.
func TestWhenATabIsTidied(t *testing.T) {
	byMark, byPages := tending{mark: 60}, tending{every: 50, mark: 60}
	for name, c := range map[string]struct {
		was     tidiness
		held    int64
		by      tending
		reason  TidyReason
		replace bool
	}{
		"nothing is asked for":                        {was: tidiness{since: 1000, rough: 1000}, held: 900},
		"pages":                                       {was: tidiness{since: 50}, by: tending{every: 50}, reason: TidyPages},
		"too few pages":                               {was: tidiness{since: 49}, by: tending{every: 50}},
		"pages, but a small renderer":                 {was: tidiness{since: 50}, held: smallRenderer - 1, by: tending{every: 50}},
		"pages, and a larger one":                     {was: tidiness{since: 50}, held: smallRenderer, by: tending{every: 50}, reason: TidyPages},
		"pages, but the mark before":                  {was: tidiness{since: 50, rough: 50}, held: 60, by: byPages, reason: TidyMemory},
		"below the mark":                              {was: tidiness{since: 20, rough: 20}, held: 59, by: byPages},
		"the mark":                                    {was: tidiness{since: 20, rough: 20}, held: 60, by: byPages, reason: TidyMemory},
		"the mark, without a number of pages":         {was: tidiness{since: 20, rough: 20}, held: 60, by: byMark, reason: TidyMemory},
		"memory is not known":                         {was: tidiness{since: 20, rough: 20}, by: byPages},
		"collected two pages ago":                     {was: tidiness{since: 2, rough: 2}, held: 99, by: byMark},
		"most of it is still open":                    {was: tidiness{since: 9, rough: 9, left: 50}, held: 64, by: byMark},
		"a quarter of the mark more":                  {was: tidiness{since: 9, rough: 9, left: 50}, held: 65, by: byMark, reason: TidyMemory},
		"however often it was collected meanwhile":    {was: tidiness{since: 1, rough: 9, left: 50}, held: 65, by: byMark, reason: TidyMemory},
		"large pages: a quarter of what is left":      {was: tidiness{since: 9, rough: 9, left: 100}, held: 124, by: byMark},
		"large pages, and their garbage":              {was: tidiness{since: 9, rough: 9, left: 100}, held: 125, by: byMark, reason: TidyMemory},
		"just collected, and still twice the mark":    {was: tidiness{pages: 50, since: 1, rough: 1, fresh: true}, held: 120, by: byMark, reason: TidyMemory, replace: true},
		"just collected, but not thoroughly":          {was: tidiness{pages: 50, since: 1, rough: 2, fresh: true}, held: 120, by: byMark},
		"just collected, and not twice":               {was: tidiness{pages: 50, since: 1, rough: 1, fresh: true}, held: 119, by: byMark},
		"just collected, but a young tab":             {was: tidiness{pages: 49, since: 1, rough: 1, fresh: true}, held: 500, by: byMark},
		"collected, and no page since":                {was: tidiness{pages: 50, fresh: true}, held: 120, by: byMark},
		"twice the mark, but long after a collection": {was: tidiness{pages: 50, since: 4, rough: 4, left: 40}, held: 120, by: byMark, reason: TidyMemory},
	} {
		t.Run(name, func(t *testing.T) {
			mayBe := c.was.mayBeDue(c.by)
			reason, replace := c.was.next(c.held, c.by)
			require.True(t, mayBe || reason == "")
			require.Equal(t, c.reason, reason)
			require.Equal(t, c.replace, replace)
		})
	}
}

// A tab whose renderer need not be asked for is not tidied, whatever it holds.
func TestWhenNothingCanBeDueForATab(t *testing.T) {
	for _, by := range []tending{{}, {every: 5}, {mark: 60}, {every: 5, mark: 60}} {
		asked := 0
		var d tidiness
		for range tidyPages - 1 {
			d.visit()
			require.False(t, d.mayBeDue(by))
			untouched := d
			reason, _ := d.next(1<<40, by)
			require.Empty(t, reason)
			require.Equal(t, untouched, d)
		}
		for range 10 {
			d.visit()
			if d.mayBeDue(by) {
				asked++
			}
		}
		require.Equal(t, by != tending{}, asked > 0)
	}
}

// What the first lease after a collection finds is what the collection left.
func TestWhatACollectionLeaves(t *testing.T) {
	d := tidiness{pages: 10, since: 7, rough: 9, left: 50}
	d.collected(false)
	require.Equal(t, tidiness{pages: 17, rough: 9, left: 50, fresh: true}, d)
	d.visit()
	_, _ = d.next(70, tending{mark: 60})
	require.Equal(t, tidiness{pages: 17, since: 1, rough: 10, left: 50}, d, "only a thorough one counts")
	d.collected(true)
	require.Equal(t, tidiness{pages: 18, left: 50, fresh: true}, d)
	d.visit()
	_, _ = d.next(60, tending{mark: 60})
	require.Equal(t, tidiness{pages: 18, since: 1, rough: 1, left: 60}, d)
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
