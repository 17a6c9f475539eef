package store_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// A megabyte that is written makes the database larger by about as much.
func TestSizeGrowsWithWhatIsStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address)
		before, err := s.Size(t.Context())
		require.NoError(t, err)
		require.Greater(t, before, int64(64<<10), "it has tables already")
		fill(t, s)
		after, err := s.Size(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, after-before, int64(1<<20))
		require.Less(t, after-before, int64(4<<20))
	})
}

// fill stores a megabyte that does not compress.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	do := func(tx store.Tx) error {
		if _, err := tx.Exec(t.Context(), "CREATE TABLE ballast (text TEXT)"); err != nil {
			return err
		}
		for i := range 1024 {
			if _, err := tx.Exec(t.Context(), "INSERT INTO ballast VALUES ($1)", strings.Repeat(string(rune('a'+i%26)), 1024)); err != nil {
				return err
			}
		}
		return nil
	}
	if db := s.SQLite(); db != nil {
		require.NoError(t, db.InTx(t.Context(), func(tx store.Tx, _ *sql.Tx) error { return do(tx) }))
		return
	}
	require.NoError(t, s.Postgres().InTx(t.Context(), func(tx store.Tx, _ pgx.Tx) error { return do(tx) }))
}

func TestASizeThatCannotBeTold(t *testing.T) {
	address := storetest.SQLite(t)
	s := storetest.Open(t, address)
	require.NoError(t, os.Remove(strings.TrimPrefix(address, "sqlite:")))
	_, err := s.Size(t.Context())
	require.ErrorContains(t, err, "measure the database: ")
	require.ErrorIs(t, err, os.ErrNotExist)

	ended, end := context.WithCancel(t.Context())
	end()
	_, err = storetest.Open(t, storetest.Postgres(t)).Size(ended)
	require.ErrorIs(t, err, context.Canceled)
}
