package crawl

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// slow is a world in which each stage of a visit takes another time.
type slow struct{ *world }

func (s slow) lend(ctx context.Context, options browser.LeaseOptions) (tab, error) {
	time.Sleep(time.Second)
	lent, err := s.world.lend(ctx, options)
	return slowTab{lent}, err
}

type slowTab struct{ tab }

func (t slowTab) Evaluate(ctx context.Context, expression string) (json.RawMessage, error) {
	raw, err := t.tab.Evaluate(ctx, expression)
	if bytes.Contains(raw, []byte(`"n":[0,200]`)) { // the page waits for 4 s of them
		time.Sleep(6 * time.Second)
		raw = bytes.Replace(raw, []byte(`"n":[0,200]`), []byte(`"n":[0,200,4000000]`), 1)
	}
	return raw, err
}

func (t slowTab) Extract(ctx context.Context, expression string) (json.RawMessage, error) {
	return t.Evaluate(ctx, expression)
}

func (t slowTab) Release(ctx context.Context, cause error) error {
	time.Sleep(3 * time.Second)
	return t.tab.Release(ctx, cause)
}

type slowJournal struct{ *ledger }

func (j slowJournal) Save(ctx context.Context, result PageResult) error {
	time.Sleep(5 * time.Second)
	return j.ledger.Save(ctx, result)
}

// The stages of a page are told apart, and nothing of a visit is left out.
func TestStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(home, &place{takes: 2 * time.Second})
		var pages []PageEvent
		r := w.start(t, fakeSite(t, nil, home), func(o *Options) {
			o.Journal = slowJournal{newLedger()}
			o.On = func(e Event) {
				if e.Kind == EventPage {
					pages = append(pages, e.Page)
				}
			}
		})
		r.lender = slow{w}
		began := time.Now()
		_, err := r.run(t.Context())
		require.NoError(t, err)
		require.Len(t, pages, 1)
		want := Stages{Lease: 1, Navigate: 2, Wait: 4, Extract: 2, Store: 5, Cleanup: 3}
		s := pages[0].Stages
		require.Equal(t, want, Stages{s.Lease / time.Second, s.Navigate / time.Second, s.Wait / time.Second, s.Extract / time.Second, s.Store / time.Second, s.Cleanup / time.Second})
		require.Equal(t, s.Lease+s.Navigate+s.Wait+s.Extract+s.Store+s.Cleanup, time.Since(began))
	})
}
