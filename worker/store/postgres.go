package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// postgresDB is a database of a Postgres server.
type postgresDB struct{ pool *pgxpool.Pool }

// postgresDefaults are settings of a session, for those that the address does not set.
// They bound what a worker that hangs can hold.
var postgresDefaults = map[string]string{
	"application_name":                    "ebb",
	"timezone":                            "UTC",
	"statement_timeout":                   "60s",
	"lock_timeout":                        "30s",
	"idle_in_transaction_session_timeout": "60s",
}

// openPostgres connects to the server.
func openPostgres(ctx context.Context, address string) (*postgresDB, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("the address does not read as postgres://USER:PASSWORD@HOST:PORT/DATABASE: %w", err)
	}
	for name, value := range postgresDefaults {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	config.MaxConns = max(config.MaxConns, 10) // the queue itself keeps up to four
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := &postgresDB{pool: pool}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, db.explain(err)
	}
	return db, nil
}

// Driver implements DB.
func (db *postgresDB) Driver() riverdriver.Driver[pgx.Tx] { return riverpgxv5.New(db.pool) }

// InTx implements DB.
func (db *postgresDB) InTx(ctx context.Context, do func(tx Tx, raw pgx.Tx) error) error {
	tx, err := db.begin(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	if err := do(pgTx{tx}, tx); err != nil {
		return db.explain(err)
	}
	return db.explain(tx.Commit(ctx))
}

// begin waits, until ctx ends or a minute is over, while the server is away. Nothing
// has been done then, so that trying again is safe.
func (db *postgresDB) begin(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pause := 50 * time.Millisecond
	for {
		tx, err := db.pool.BeginTx(ctx, options)
		if err == nil {
			return tx, nil
		}
		if !lostServer(err) {
			return nil, fmt.Errorf("begin a transaction: %w", db.explain(err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-limit.Done():
			timer.Stop()
			return nil, fmt.Errorf("begin a transaction: %w", db.explain(err))
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// lostServer tells whether an error means that the server, or the connection to it, is
// away for the moment.
func lostServer(err error) bool {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code[:2] == "08" || // connection failures
			refused.Code[:2] == "57" && refused.Code != "57014" || // the server stops or starts; not: the query was cancelled
			refused.Code == "53300" || refused.Code == "25P03" // no connection left; this one idled too long
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Stamp implements DB.
func (db *postgresDB) Stamp() any { return nil }

func (db *postgresDB) write(ctx context.Context, do func(Tx) error) error {
	return db.InTx(ctx, func(tx Tx, _ pgx.Tx) error { return do(tx) })
}

func (db *postgresDB) read(ctx context.Context, do func(Tx) error) error {
	tx, err := db.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// An export lasts as long as its reader takes.
	_, err = tx.Exec(ctx, "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
	if err == nil {
		err = do(pgTx{tx})
	}
	return db.explain(err)
}

// migrationLock is the key of the advisory lock: "ebb" and a number.
const migrationLock int64 = 0x656262_0001

// lockMigrations implements backend with an advisory lock on a connection of its own.
func (db *postgresDB) lockMigrations(ctx context.Context, do func() error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		// Another process's migration may take longer than a statement of this one, and
		// this session idles while do uses others.
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
			SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return fmt.Errorf("wait for another process to finish its migration: %w", err)
		}
		return do()
	})
}

func (db *postgresDB) isAway(err error) bool { return lostServer(err) }

func (db *postgresDB) migrateQueue(ctx context.Context) error {
	return migrateQueue(ctx, db.Driver())
}

func (db *postgresDB) dialect() dialect {
	return dialect{
		folder:    "migrations/postgres",
		forUpdate: " FOR UPDATE",
		now:       "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	}
}

func (db *postgresDB) close() error {
	db.pool.Close()
	return nil
}

// explain implements backend.
func (db *postgresDB) explain(err error) error {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refused.Code {
		case "28000", "28P01":
			return fmt.Errorf("the server refuses the user; check user and password in the address: %w", err)
		case "3D000":
			return fmt.Errorf("the server has no such database; make it with createdb, or give another: %w", err)
		case "42501":
			return fmt.Errorf("the user may not do this; give it the right to create tables in the schema: %w", err)
		case "53100":
			return fmt.Errorf("the server's disk is full: %w", err)
		case "53300":
			return fmt.Errorf("the server has no connection left; raise max_connections or set pool_max_conns in the address: %w", err)
		}
		return err
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "dial" {
		return fmt.Errorf("no server answers at %s; start it, or check host and port in the address: %w", network.Addr, err)
	}
	return err
}

// pgTx is Tx on pgx.
type pgTx struct{ tx pgx.Tx }

func (t pgTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t pgTx) QueryRow(ctx context.Context, query string, args ...any) Row {
	return t.tx.QueryRow(ctx, query, args...)
}

func (t pgTx) Query(ctx context.Context, query string, args ...any) (Rows, error) {
	return t.tx.Query(ctx, query, args...)
}
