package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/ebbworker/ebb/worker/store"
)

// TestOpenedAtOnce holds that workers that start together on a database that does not
// exist yet wait for each other: SQLite itself does not while a new file becomes WAL.
func TestOpenedAtOnce(t *testing.T) {
	for range 30 {
		address := filepath.Join(t.TempDir(), "ebb.db")
		var g errgroup.Group
		for range 8 {
			g.Go(func() error {
				s, err := store.Open(context.Background(), address)
				if err != nil {
					return err
				}
				return s.Close()
			})
		}
		require.NoError(t, g.Wait())
	}
}
