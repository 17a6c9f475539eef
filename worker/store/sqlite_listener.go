package store

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// sqliteDriver is River's driver with listeners that leave the database alone while nothing is written to
// its file. River's own ask it twenty times a second, which is a good part of what an idle worker does.
type sqliteDriver struct {
	*riversqlite.Driver
	db *sqliteDB
}

// GetListener implements riverdriver.Driver.
func (d sqliteDriver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &sqliteListener{Listener: d.Driver.GetListener(params), path: d.db.path, queued: d.db.queued}
}

// sqliteListener asks for notifications when the database's file has changed, whoever changed it: at once
// after a transaction of this process's queue.
type sqliteListener struct {
	riverdriver.Listener
	path   string
	queued <-chan struct{}

	// Owned by the goroutine of WaitForNotification, of which there is one at a time.
	seen  databaseFiles
	asked time.Time
}

const (
	// listenEvery is the time between two looks at the file, for what other processes write.
	listenEvery = 250 * time.Millisecond
	// askAnyway is after how long the database is asked although its file seems to be as it was: the clock
	// of a file system may not tell two changes apart, where they leave it as large as it was.
	askAnyway = 5 * time.Second
	// askFor is how long it is asked: River asks at once, and then every 50 ms.
	askFor = 75 * time.Millisecond
)

// WaitForNotification implements riverdriver.Listener.
func (l *sqliteListener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	for told := false; ; {
		now := databaseState(l.path)
		if !told && now == l.seen && time.Since(l.asked) < askAnyway {
			var err error
			if told, err = l.pause(ctx); err != nil {
				return nil, err
			}
			continue
		}
		told = false
		notification, err := l.ask(ctx)
		switch {
		case err == nil:
			return notification, nil // there may be more, so what was seen stays as it was
		case ctx.Err() != nil:
			return nil, err
		case errors.Is(err, context.DeadlineExceeded):
			l.seen, l.asked = now, time.Now()
		case errors.Is(err, context.Canceled):
			told = true
		default:
			return nil, err
		}
	}
}

// ask asks the database for askFor at most. Its error is Canceled where the queue is just writing something, so that
// it is to be asked anew.
func (l *sqliteListener) ask(ctx context.Context) (*riverdriver.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-l.queued:
			cancel()
		case <-ctx.Done():
		}
	})
	defer watching.Wait()
	defer cancel()
	return l.Listener.WaitForNotification(ctx)
}

// databaseFiles change when something is written to a database.
type databaseFiles struct{ main, wal fileState }

func databaseState(path string) databaseFiles {
	return databaseFiles{stateOf(path), stateOf(path + "-wal")}
}

// fileState changes when a file is written to.
type fileState struct {
	bytes   int64
	changed int64 // in nanoseconds
}

// stateOf is that of a file; the zero value of one that is not there.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime().UnixNano()}
}

// pause waits until it is time for another look at the file, or the queue is just writing something; its error is that
// of ctx.
func (l *sqliteListener) pause(ctx context.Context) (told bool, err error) {
	timer := time.NewTimer(listenEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false, nil
	case <-l.queued:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
