package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqlitePath is the path in what follows "sqlite:" in an address.
func sqlitePath(rest string) (string, error) {
	path, hasHost := strings.CutPrefix(rest, "//")
	if hasHost && !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("after sqlite:// an absolute path must follow (sqlite:///var/lib/ebb.db); for a path relative to the current folder write sqlite:%s", path)
	}
	if path == "" || strings.HasSuffix(path, "/") {
		return "", errors.New("the path names no file; give for example sqlite:ebb.db")
	}
	return path, nil
}

// openSQLite makes the file if need be and opens it.
func openSQLite(ctx context.Context, path string) (*sqliteDB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the absolute path of %s: %w", path, err)
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	db := &sqliteDB{path: path, queued: make(chan struct{}, 1)}
	if db.writing, err = openStatements(sqliteName(path, "_txlock=immediate")); err != nil {
		return nil, err
	}
	db.writing.SetMaxOpenConns(1)
	if db.reading, err = openStatements(sqliteName(path, "_pragma=query_only(1)")); err != nil {
		return nil, errors.Join(err, db.writing.Close())
	}
	db.reading.SetMaxOpenConns(4)
	var tables, ours int
	err = awaitFile(ctx, func() error {
		return db.writing.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = 'ebb_schema')
			FROM sqlite_schema WHERE type = 'table'`).Scan(&tables, &ours)
	})
	if err == nil && tables > 0 && ours == 0 && !onlyQueue(ctx, db.writing) {
		err = errors.New("the file is the database of another program; give another path")
	}
	if err != nil {
		return nil, errors.Join(db.explain(err), db.close())
	}
	return db, nil
}

// awaitFile does what needs the file for the first time, and again while another process
// makes it: SQLite's own timeout does not cover the change of a new file to WAL.
func awaitFile(ctx context.Context, do func() error) error {
	limit := time.NewTimer(busyTimeout)
	defer limit.Stop()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := do()
		if err == nil || sqliteCode(err) != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-retry.C:
		case <-limit.C:
			return err
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// busyTimeout is how long SQLite waits for a lock of another process.
const busyTimeout = 10 * time.Second

// onlyQueue tells whether all tables are the queue's: a start that was interrupted
// after the queue's migration leaves such a file.
func onlyQueue(ctx context.Context, db *sql.DB) bool {
	var others int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema
		WHERE type = 'table' AND name NOT LIKE 'river_%' AND name NOT LIKE 'sqlite_%'`).Scan(&others)
	return err == nil && others == 0
}

// makeFile makes the file and its folder, for this user alone. SQLite itself would make
// a file that everybody may read.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder; give the path of a file, for example %s", path, filepath.Join(path, "ebb.db"))
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is no ordinary file (%s); give another path", path, info.Mode().Type())
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("make %s: %w; make its folder writable for this user, or give another path", path, err)
	}
	return file.Close()
}

// sqliteName is the data source name of a file. Commits are durable (synchronous FULL)
// and readers do not wait for the writer (WAL); a time is written as UTC.
func sqliteName(path, more string) string {
	name := url.URL{Scheme: "file", Path: path, OmitHost: true}
	return name.String() + "?_pragma=busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=journal_size_limit(67108864)&_time_format=sqlite&_timezone=UTC&" + more
}

// lockMigrations implements backend with a lock on a file beside the database. The file
// stays: to remove it would let two processes hold the lock of two files of one name.
func (db *sqliteDB) lockMigrations(ctx context.Context, do func() error) error {
	file, err := os.OpenFile(db.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("make the lock file: %w", err)
	}
	defer file.Close()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return do()
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process to finish its migration (lock on %s): %w", file.Name(), context.Cause(ctx))
		case <-retry.C:
		}
	}
}
