package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/stretchr/testify/require"
)

// quietListener has a notification for each of what comes in told, and counts how often it is asked.
type quietListener struct {
	riverdriver.Listener
	told  chan *riverdriver.Notification
	asked chan struct{}
}

func (l *quietListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	l.asked <- struct{}{}
	select {
	case n := <-l.told:
		return n, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestListenerAsksWhenTheFileHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &quietListener{told: make(chan *riverdriver.Notification, 1), asked: make(chan struct{}, 100)}
		queued := make(chan struct{}, 1)
		path := filepath.Join(t.TempDir(), "ebb.db")
		require.NoError(t, os.WriteFile(path, []byte("a"), 0o600))
		l := &sqliteListener{Listener: inner, path: path, queued: queued}
		heard := make(chan *riverdriver.Notification)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			for {
				n, err := l.WaitForNotification(ctx)
				if err != nil {
					ended <- err
					return
				}
				heard <- n
			}
		}()
		<-inner.asked // at first
		began := time.Now()
		<-inner.asked // and then although nothing has changed
		require.GreaterOrEqual(t, time.Since(began), askAnyway)

		inner.told <- &riverdriver.Notification{Topic: "a"}
		require.NoError(t, os.WriteFile(path+"-wal", []byte("abc"), 0o600))
		require.Equal(t, "a", (<-heard).Topic)
		inner.told <- &riverdriver.Notification{Topic: "b"} // there may be more, so it is asked again at once
		require.Equal(t, "b", (<-heard).Topic)

		for len(inner.asked) > 0 {
			<-inner.asked
		}
		began = time.Now()
		for range 3 { // each is asked for without waiting, though the file is as it was: it is about to be written
			queued <- struct{}{}
			<-inner.asked
		}
		require.Zero(t, time.Since(began))
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// A transaction of the queue is looked at without waiting; others tell the queue nothing.
func TestTransactionsWakeTheListener(t *testing.T) {
	db, err := openSQLite(t.Context(), filepath.Join(t.TempDir(), "ebb.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.close()) }()
	for range 2 { // the second time nobody has looked
		require.NoError(t, db.InTx(t.Context(), func(Tx, *sql.Tx) error { return nil }))
	}
	<-db.queued
	require.NoError(t, db.write(t.Context(), func(Tx) error { return nil }))
	require.Empty(t, db.queued)
}
