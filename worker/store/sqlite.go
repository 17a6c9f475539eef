package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteDB is a file of SQLite: one connection for writing and some for reading.
type sqliteDB struct {
	path    string
	writing *sql.DB
	reading *sql.DB
	queued  chan struct{} // holds one when a transaction of the queue is about to end, for the listener
}

// Driver implements DB.
func (db *sqliteDB) Driver() riverdriver.Driver[*sql.Tx] {
	return sqliteDriver{riversqlite.New(db.writing), db}
}

// InTx implements DB. The listener is told while the transaction still has the only connection that writes: it cannot
// be in the middle of a question then, which it would break off, and the connection with it.
func (db *sqliteDB) InTx(ctx context.Context, do func(tx Tx, raw *sql.Tx) error) error {
	return db.inTx(ctx, func(tx Tx, raw *sql.Tx) error {
		if err := do(tx, raw); err != nil {
			return err
		}
		select {
		case db.queued <- struct{}{}:
		default: // it has not looked since the one before
		}
		return nil
	})
}

func (db *sqliteDB) inTx(ctx context.Context, do func(tx Tx, raw *sql.Tx) error) error {
	tx, err := db.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := do(&sqlTx{tx: tx, writes: true}, tx); err != nil {
		return db.explain(err)
	}
	return db.explain(tx.Commit())
}

// Stamp implements DB.
func (db *sqliteDB) Stamp() any { return databaseState(db.path) }

// begin waits, until ctx ends or a minute is over, while another process holds the
// file. Nothing has been done then, so that trying again is safe.
func (db *sqliteDB) begin(ctx context.Context) (*sql.Tx, error) {
	ctxWait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		tx, err := db.writing.BeginTx(ctx, nil)
		if err == nil {
			return tx, nil
		}
		if sqliteCode(err) != sqlite3.SQLITE_BUSY || ctxWait.Err() != nil {
			return nil, fmt.Errorf("begin a transaction: %w", db.explain(err))
		}
	}
}

func (db *sqliteDB) write(ctx context.Context, do func(Tx) error) error {
	return db.inTx(ctx, func(tx Tx, _ *sql.Tx) error { return do(tx) })
}

func (db *sqliteDB) read(ctx context.Context, do func(Tx) error) error {
	tx, err := db.reading.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin to read: %w", db.explain(err))
	}
	defer func() { _ = tx.Rollback() }()
	return db.explain(do(&sqlTx{tx: tx}))
}

// isAway implements backend: begin has waited already.
func (db *sqliteDB) isAway(error) bool { return false }

func (db *sqliteDB) migrateQueue(ctx context.Context) error { return migrateQueue(ctx, db.Driver()) }

func (db *sqliteDB) dialect() dialect {
	return dialect{
		folder: "migrations/sqlite",
	}
}

func (db *sqliteDB) close() error {
	if err := errors.Join(db.reading.Close(), db.writing.Close()); err != nil {
		return fmt.Errorf("close %s: %w", db.path, err)
	}
	return nil
}

// sqliteCode is the primary result code of SQLite in an error, 0 if there is none.
func sqliteCode(err error) int {
	if found, ok := errors.AsType[*sqlite.Error](err); ok {
		return found.Code() & 0xff
	}
	return 0
}

// explain implements backend.
func (db *sqliteDB) explain(err error) error {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: the file is no SQLite database; give another path, or move the file away: %w", ErrCorrupt, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w; stop all workers, keep a copy of %s, and restore a backup or run `sqlite3 FILE .recover`: %w", ErrCorrupt, db.path, err)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("the file cannot be written; make %s and its folder writable for this user: %w", db.path, err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return fmt.Errorf("the file cannot be opened; check that %s and its folder belong to this user: %w", db.path, err)
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk that holds %s is full: %w", db.path, err)
	case sqlite3.SQLITE_IOERR:
		if isFull(filepath.Dir(db.path)) { // for some of its files SQLite does not say so
			return fmt.Errorf("the disk that holds %s is full: %w", db.path, err)
		}
		return fmt.Errorf("the disk that holds %s fails: %w", db.path, err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("another process keeps %s locked: %w", db.path, err)
	}
	return err
}

// isFull says whether a disk has no room for even a little more.
func isFull(folder string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(folder, &fs) == nil && uint64(fs.Bavail)*uint64(fs.Bsize) < 64<<10
}

// sqlTx is Tx on database/sql.
type sqlTx struct {
	tx     *sql.Tx
	writes bool

	of, bare context.Context // the last context of a statement, and the same that does not end
}

// within is the context of one statement. One of a transaction that writes is not interrupted, for which
// the driver would start a goroutine each time: where ctx ends, the transaction is rolled back after it.
func (t *sqlTx) within(ctx context.Context) context.Context {
	if !t.writes || ctx.Err() != nil {
		return ctx
	}
	if t.of != ctx {
		t.of, t.bare = ctx, context.WithoutCancel(ctx)
	}
	return t.bare
}

// ordinal writes parameters as SQLite counts them: ?1 for $1, and ? for all where they stand in order,
// since the driver asks for the name of each that has one.
func ordinal(query string) string {
	if text, ok := ordinals.Load(query); ok {
		return text.(string)
	}
	inOrder, count := true, 0
	text := parameter.ReplaceAllStringFunc(query, func(p string) string {
		count++
		inOrder = inOrder && p[1:] == strconv.Itoa(count)
		return "?" + p[1:]
	})
	if inOrder {
		text = parameter.ReplaceAllString(query, "?")
	}
	if ordinalCount.Add(1) <= mostOrdinals {
		ordinals.Store(query, text)
	}
	return text
}

// ordinals keeps what ordinal has written: a batch's statements are long, and always the same.
var (
	ordinals     sync.Map // of string
	ordinalCount atomic.Int64
)

const mostOrdinals = 1024

var parameter = regexp.MustCompile(`\$[0-9]+`)

func (t *sqlTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := t.tx.ExecContext(t.within(ctx), ordinal(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *sqlTx) QueryRow(ctx context.Context, query string, args ...any) Row {
	return t.tx.QueryRowContext(t.within(ctx), ordinal(query), args...)
}

func (t *sqlTx) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	rows, err := t.tx.QueryContext(t.within(ctx), ordinal(query), args...)
	if err != nil {
		return nil, err
	}
	return sqlRows{rows}, nil
}

// sqlRows is Rows on database/sql.
type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // an error is also returned by Err
