package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

// TestStatementsAreKept asks more statements of a connection than it keeps, one of them while its own rows
// are being read, and one again after its table has changed.
func TestStatementsAreKept(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t, storetest.SQLite(t))
	require.NoError(t, s.SQLite().InTx(ctx, func(_ store.Tx, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1); INSERT INTO numbers VALUES (2);")
		require.NoError(t, err)
		const query = "SELECT n FROM numbers ORDER BY n"
		outer, err := tx.QueryContext(ctx, query)
		require.NoError(t, err)
		var pairs []string
		for outer.Next() {
			var a, b int
			require.NoError(t, outer.Scan(&a))
			inner, err := tx.QueryContext(ctx, query)
			require.NoError(t, err)
			for inner.Next() {
				require.NoError(t, inner.Scan(&b))
				pairs = append(pairs, fmt.Sprint(a, b))
			}
			require.NoError(t, inner.Close())
		}
		require.NoError(t, outer.Close())
		require.Equal(t, []string{"1 1", "1 2", "2 1", "2 2"}, pairs)
		for i := range 300 {
			var n int
			require.NoError(t, tx.QueryRowContext(ctx, fmt.Sprintf("SELECT n + %d FROM numbers WHERE n = ?", i), 2).Scan(&n))
			require.Equal(t, i+2, n)
		}
		_, err = tx.ExecContext(ctx, "ALTER TABLE numbers RENAME COLUMN n TO m")
		require.NoError(t, err)
		_, err = tx.QueryContext(ctx, query)
		require.ErrorContains(t, err, "no such column")
		var n int
		require.NoError(t, tx.QueryRowContext(ctx, "SELECT count(*) FROM numbers WHERE m < ?1 AND m < ?1", 2).Scan(&n))
		require.Equal(t, 1, n)
		return nil
	}))
}

// The limit of a statement that is kept is that of each use.
func TestKeptStatementsHaveTheirLimit(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t, storetest.SQLite(t))
	require.NoError(t, s.SQLite().InTx(ctx, func(_ store.Tx, tx *sql.Tx) error {
		for _, query := range []string{
			"SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 LIMIT ?)",
			"SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3\nlimit ?1)",
			"SELECT count(*) FROM (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 LIMIT ?1 OFFSET 0)",
		} {
			for _, limit := range []int{1, 3, 2, 0} {
				var n int
				require.NoError(t, tx.QueryRowContext(ctx, query, limit).Scan(&n))
				require.Equal(t, limit, n, query)
			}
		}
		return nil
	}))
}
