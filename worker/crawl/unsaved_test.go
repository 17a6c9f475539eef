package crawl

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

// slowLedger is a journal that takes its time to make a page durable.
type slowLedger struct {
	*ledger
	takes   time.Duration
	lingers []bool
	saving  int // guarded by the ledger's lock
	most    int
}

func (l *slowLedger) Linger(may bool) { l.lingers = append(l.lingers, may) }

func (l *slowLedger) Save(ctx context.Context, result PageResult) error {
	l.count(1)
	defer l.count(-1)
	if err := sleep(ctx, l.takes); err != nil {
		return err
	}
	return l.ledger.Save(ctx, result)
}

func (l *slowLedger) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.saving += n
	l.most = max(l.most, l.saving)
}

// A page is visited while another one is saved, but not one to which that leads; the journal may let saves
// wait only while there is something to visit.
func TestPagesAreVisitedWhileOthersAreSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home+"a", &place{links: []string{home + "c"}})
		w.add(home+"b", &place{})
		w.add(home+"c", &place{})
		l := &slowLedger{ledger: newLedger(), takes: time.Second}
		r := w.start(t, fakeSite(t, nil, home+"a", home+"b"), func(o *Options) { o.Journal = l })
		began := time.Now()
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, s.Done)
		require.Equal(t, []string{home + "a", home + "b", home + "c"}, w.urls())
		var at []time.Duration
		for _, asked := range w.asked {
			at = append(at, asked.at.Sub(began))
		}
		require.Equal(t, []time.Duration{0, 0, time.Second}, at)
		require.Equal(t, 1, w.mostTabs)
		require.True(t, l.lingers[0], "there is b to visit")
		require.False(t, l.lingers[len(l.lingers)-1], "c is all that is left")
	})
}

func TestPagesThatAreNotSavedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var start []string
		for i := range 5 * mostUnsaved {
			start = append(start, fmt.Sprint(home, "p", i))
			w.add(start[i], &place{})
		}
		l := &slowLedger{ledger: newLedger(), takes: 10 * time.Second}
		r := w.start(t, fakeSite(t, func(s *sites.Site) { s.Limits.Tabs = 3 }, start...), func(o *Options) { o.Journal = l })
		s, err := r.run(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5*mostUnsaved, s.Done)
		require.GreaterOrEqual(t, l.most, mostUnsaved)
		require.Less(t, l.most, mostUnsaved+3, "no page is begun when so many are not saved; those that are open are finished")
	})
}
