package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"modernc.org/sqlite"
)

// openStatements opens a database of SQLite whose connections keep the statements that they have
// prepared: to read the text of a statement takes SQLite longer than to run it.
func openStatements(name string) (*sql.DB, error) {
	plain, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{plain}), nil
}

type connector struct{ driver.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	plain, ok := made.(plainConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver of SQLite has connections of the type %T", made), made.Close())
	}
	return &conn{plainConn: plain, kept: map[string]*statement{}}, nil
}

// plainConn is a connection of the driver.
type plainConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// mostStatements is how many statements a connection keeps.
const mostStatements = 128

// conn is a connection that keeps its statements. As any of database/sql, it is used by one goroutine at
// a time.
type conn struct {
	plainConn
	kept map[string]*statement
	used uint64 // counts the uses
}

// statement is one that was prepared.
type statement struct {
	plainStatement
	last uint64 // its latest use
	busy bool   // its rows are being read
}

type plainStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement returns the prepared statement of a text; nil where it is to be run without: texts of several
// statements, and one whose rows are still being read.
func (c *conn) statement(ctx context.Context, query string) (*statement, error) {
	c.used++
	if s := c.kept[query]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.last = c.used
		return s, nil
	}
	if strings.Contains(strings.TrimRight(query, "; \t\n"), ";") {
		return nil, nil
	}
	prepared, err := c.PrepareContext(ctx, plannedOnce(query))
	if err != nil {
		return nil, err
	}
	plain, ok := prepared.(plainStatement)
	if !ok {
		return nil, prepared.Close()
	}
	if err := c.makeRoom(); err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	s := &statement{plainStatement: plain, last: c.used}
	c.kept[query] = s
	return s, nil
}

// plannedOnce is the text of a statement that is kept. Of LIMIT ? SQLite takes the value for its plan, and so
// makes a new one each time that a value is bound: it does not look into a sum.
func plannedOnce(query string) string { return limit.ReplaceAllString(query, "LIMIT ($1 + 0)") }

var limit = regexp.MustCompile(`(?i)\bLIMIT\s+([?$:@]\w*)`)

// makeRoom closes the statement that was not used for longest, where there are too many.
func (c *conn) makeRoom() error {
	if len(c.kept) < mostStatements {
		return nil
	}
	oldest := ""
	for query, s := range c.kept {
		if !s.busy && (oldest == "" || s.last < c.kept[oldest].last) {
			oldest = query
		}
	}
	if oldest == "" {
		return nil
	}
	s := c.kept[oldest]
	delete(c.kept, oldest)
	return s.Close()
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.plainConn.ExecContext(ctx, query, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.plainConn.QueryContext(ctx, query, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &statementRows{Rows: rows, of: s}, nil
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	clear(c.kept)
	return errors.Join(append(errs, c.plainConn.Close())...)
}

// statementRows are the rows of a statement that is kept.
type statementRows struct {
	driver.Rows
	of *statement
}

// Close makes the statement free again.
func (r *statementRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
