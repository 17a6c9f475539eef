package budget

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func peaks(alone bool, list ...int64) []Peak {
	var all []Peak
	for _, bytes := range list {
		all = append(all, Peak{Bytes: bytes * mib, Alone: alone})
	}
	return all
}

func TestNeedOf(t *testing.T) {
	b := Split(2*gib, "memory.limit")
	many := make([]int64, 20)
	for i := range many {
		many[i] = 100 + int64(i)
	}
	for name, c := range map[string]struct {
		budget Budget
		peaks  []Peak
		want   Need
	}{
		"unknown":                   {b, nil, Need{Bytes: b.Chrome / 4}},
		"unknown in a small budget": {small, nil, Need{Bytes: 256 * mib}},
		"unknown in a large one":    {Split(64*gib, "memory.limit"), nil, Need{Bytes: gib}},
		"one":                       {b, peaks(true, 100), Need{Bytes: 125 * mib, Runs: 1, Alone: 1}},
		"the 95th of twenty":        {b, peaks(true, many...), Need{Bytes: 118 * mib, Runs: 20, Alone: 20}},
		"the latest twenty":         {b, append(peaks(true, 900, 900), peaks(true, many...)...), Need{Bytes: 118 * mib, Runs: 20, Alone: 20}},
		"others ran beside":         {b, append(peaks(false, 800), peaks(true, 100, 100)...), Need{Bytes: 1000 * mib, Runs: 3, Alone: 2}},
		"three alone are believed":  {b, append(peaks(false, 800, 700), peaks(true, 100, 112, 90)...), Need{Bytes: 140 * mib, Runs: 5, Alone: 3}},
		"less than nothing":         {b, peaks(true, -5), Need{Runs: 1, Alone: 1}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, NeedOf(c.budget, c.peaks)) })
	}
}

func waiter(site string, need int64) *Waiter {
	return &Waiter{Site: site, Need: Need{Bytes: need * mib, Runs: 9}}
}

func names(list []*Waiter) (names []string) {
	for _, w := range list {
		names = append(names, w.Site)
	}
	return names
}

// Two sites of 400 MB under 600 MB run one after the other.
func TestTwoLargeSitesRunOneAfterTheOther(t *testing.T) {
	a := NewAdmission(Split(600*mib, "memory.limit"))
	first, second := waiter("first", 400), waiter("second", 400)
	a.Come(first)
	a.Come(second)
	a.Read(130*mib, false)
	require.Equal(t, []string{"first"}, names(a.Admit()))
	require.Equal(t, "a run of second needs 400 MB at its peak: with what is at work (530 MB planned) that is more than 459 MB", second.Why)
	a.Read(510*mib, false)
	require.Empty(t, a.Admit())
	a.Leave(first)
	a.Read(140*mib, false)
	require.Equal(t, []string{"second"}, names(a.Admit()))
	require.Empty(t, second.Why)
	a.Leave(second)
	require.Zero(t, a.AtWork())
	require.Empty(t, a.Waiting())
}

// Unknown sites are taken for large ones where memory is scarce: they meet their truth alone.
func TestTwoUnknownSitesInASmallBudget(t *testing.T) {
	b := Split(600*mib, "memory.limit")
	a := NewAdmission(b)
	for _, site := range []string{"one", "two"} {
		a.Come(&Waiter{Site: site, Need: NeedOf(b, nil)})
	}
	a.Read(130*mib, false)
	require.Equal(t, []string{"one"}, names(a.Admit()))
	require.Contains(t, a.Waiting()[0].Why, "two, which has not run yet, is taken to need 256 MB")
}

// A run that does not fit begins in any case when it is alone, once no more can be given back for it.
func TestARunAloneAlwaysBegins(t *testing.T) {
	a := NewAdmission(Split(600*mib, "memory.limit"))
	huge := waiter("huge", 900)
	a.Come(huge)
	a.Read(130*mib, true)
	require.Empty(t, a.Admit())
	require.Contains(t, huge.Why, "are being given back")
	w, lacks := a.Lacking()
	require.Same(t, huge, w)
	require.Equal(t, int64((130+900-540)*mib), lacks)
	huge.Freed = true
	require.Equal(t, []string{"huge"}, names(a.Admit()))
	w, _ = a.Lacking()
	require.Nil(t, w)
}

// Small sites may pass a large one that waits, but not for ever.
func TestALargeSiteIsNotStarved(t *testing.T) {
	a := NewAdmission(Split(600*mib, "memory.limit"))
	a.Read(100*mib, false)
	first := waiter("small-0", 50)
	a.Come(first)
	require.Len(t, a.Admit(), 1)
	large := waiter("large", 350)
	a.Come(large)
	atWork := []*Waiter{first}
	passed := 0
	for i := range 20 {
		next := waiter(fmt.Sprint("small-", i+1), 50)
		a.Come(next)
		admitted := a.Admit()
		passed += len(admitted)
		atWork = append(atWork, admitted...)
		if len(atWork) > 1 { // at least one is always at work
			a.Leave(atWork[0])
			atWork = atWork[1:]
		}
	}
	require.Equal(t, overtakes, passed)
	require.Equal(t, "a run of large has waited for memory for longer and is next", a.Waiting()[1].Why)
	for _, w := range atWork {
		a.Leave(w)
	}
	require.Equal(t, "large", names(a.Admit())[0])
}

func TestWhileMemoryIsShortNoRunBeginsBesideOthers(t *testing.T) {
	a := NewAdmission(Split(4*gib, "memory.limit"))
	a.Read(100*mib, true)
	a.Come(waiter("one", 10))
	a.Come(waiter("two", 10))
	require.Equal(t, []string{"one"}, names(a.Admit()))
	require.Contains(t, a.Waiting()[0].Why, "no run begins until they are below")
	a.Read(100*mib, false)
	require.Equal(t, []string{"two"}, names(a.Admit()))
}
