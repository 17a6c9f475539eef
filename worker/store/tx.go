package store

import (
	"context"

	"github.com/riverqueue/river/riverdriver"
)

// Row is one row of a result.
type Row interface{ Scan(dest ...any) error }

// Rows are the rows of a result. Close may be called more than once.
type Rows interface {
	Row
	Next() bool
	Err() error
	Close()
}

// Tx is a transaction of either database. Queries are written once, for both:
// parameters are $1, $2, ..., and no other '$' stands in a query.
type Tx interface {
	// Exec runs a statement and returns the number of rows it touched.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
	// QueryRow runs a query for at most one row; Scan returns sql.ErrNoRows where there
	// is none.
	QueryRow(ctx context.Context, query string, args ...any) Row
	// Query runs a query. The caller closes the rows before it uses the transaction again.
	Query(ctx context.Context, query string, args ...any) (Rows, error)
}

// DB is a database with its own type of transaction, which the queue needs to put jobs
// into the same transaction as the store's rows.
type DB[TTx any] interface {
	// Driver is the queue's driver on this database.
	Driver() riverdriver.Driver[TTx]
	// InTx runs do in a transaction that can write, and commits it if do returns nil.
	// The transaction is given twice: for the store's queries, and as the driver has it.
	// Within do nothing else may be asked of the database: on SQLite there is one
	// connection for writing.
	InTx(ctx context.Context, do func(tx Tx, raw TTx) error) error
	// Stamp is another than before where something may have been written since, by whichever
	// process; nil where that is not known without asking the database.
	Stamp() any
}

// backend is what differs between the databases.
type backend interface {
	// write runs do in a transaction that can write.
	write(ctx context.Context, do func(Tx) error) error
	// read runs do in a transaction that sees one state of the database.
	read(ctx context.Context, do func(Tx) error) error
	// lockMigrations runs do while no other process can run its own.
	lockMigrations(ctx context.Context, do func() error) error
	// migrateQueue brings the queue's own tables up to date.
	migrateQueue(ctx context.Context) error
	// isAway tells whether an error means that the connection was lost, so that what can be
	// done twice may be tried again.
	isAway(err error) bool
	// dialect says how the two differ in SQL.
	dialect() dialect
	// size is how many bytes the database takes.
	size(ctx context.Context) (int64, error)
	// explain says what an error of the database means and what to do about it.
	explain(err error) error
	close() error
}

// dialect is the SQL that differs.
type dialect struct {
	// folder holds the migrations.
	folder string
	// forUpdate locks the selected rows until the transaction ends.
	forUpdate string
	// now is an expression for the present in microseconds; "" where the process's
	// clock is the database's.
	now string
}
