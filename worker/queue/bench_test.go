package queue

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// BenchmarkPlannerTick plans one run that has become due.
func BenchmarkPlannerTick(b *testing.B) {
	for name, address := range map[string]string{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, address)
			e, err := Open(s, Options{Sites: []*sites.Site{scheduled("shop", "@every 1s")}, Handler: visits(1)})
			require.NoError(b, err)
			p := e.(planner)
			require.NoError(b, p.setSchedules(context.Background()))
			last := time.Now().Add(-time.Hour)
			for b.Loop() {
				b.StopTimer()
				require.NoError(b, s.InTx(context.Background(), func(tx store.Tx) error {
					if _, err := tx.Exec(context.Background(), "DELETE FROM runs"); err != nil {
						return err
					}
					return s.SetPlanned(context.Background(), tx, "shop", time.Now().Add(-time.Second), 0)
				}))
				b.StartTimer()
				_, err := p.planNow(context.Background(), "shop", last)
				require.NoError(b, err)
			}
		})
	}
}
