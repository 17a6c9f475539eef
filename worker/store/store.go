// Package store keeps runs, pages and items in SQLite or Postgres, and exports them.
//
// Everything durable of a worker is in one database: a file of SQLite, the default, or
// Postgres where several machines work together. The queue's jobs (package queue) are in
// the same database, so that a run, its items and its job change in one transaction.
//
// A run's pages and the items taken from them are staged as they come (Journal) and
// become visible as items when the run ends, in one transaction (Publish).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

var (
	// ErrNewerSchema is returned for a database that a newer program has changed.
	ErrNewerSchema = errors.New("the database belongs to a newer version of ebb")
	// ErrCorrupt is returned for a file that is damaged or no database.
	ErrCorrupt = errors.New("the database is damaged")
	// ErrSuperseded is returned to an attempt at a run that is finished or in other
	// hands: what it asked for was not done.
	ErrSuperseded = errors.New("the run is finished or in other hands")
	// ErrNotFound is returned for a run that does not exist.
	ErrNotFound = errors.New("not found")
)

// Store is the durable state of the worker. It is safe for concurrent use.
type Store struct {
	backend  backend
	batches  batches
	address  string
	sqlite   DB[*sql.Tx]
	postgres DB[pgx.Tx]
}

// Open opens the database at an address and brings its tables up to date:
//
//	sqlite:///var/lib/ebb/ebb.db, sqlite:ebb.db, or a plain path    a file of SQLite
//	postgres://user@host/database, postgresql://...                 Postgres
//
// A missing SQLite file is made (readable by its owner only), with its folder. Errors
// say what is wrong and what to do; some are ErrNewerSchema or ErrCorrupt.
func Open(ctx context.Context, address string) (*Store, error) {
	s, err := connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redact(address), err)
	}
	s.address = Redact(address)
	s.batches.backend, s.batches.linger = s.backend, lingerTime
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", s.address, s.backend.explain(err)), s.Close())
	}
	return s, nil
}

// Exists says whether there is a database at an address, as far as that is seen without asking: a file
// of SQLite is there or not, a server may have one.
func Exists(address string) bool {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "postgres", "postgresql":
		return true
	case "sqlite", "sqlite3":
		path, err := sqlitePath(rest)
		if err != nil {
			return false
		}
		address = path
	}
	_, err := os.Stat(address)
	return err == nil
}

// connect chooses the database by the address's scheme.
func connect(ctx context.Context, address string) (*Store, error) {
	scheme, rest, found := strings.Cut(address, ":")
	switch {
	case address == "":
		return nil, errors.New("the address is empty; give a path, sqlite:PATH or postgres://USER@HOST/DATABASE")
	case scheme == "postgres" || scheme == "postgresql":
		db, err := openPostgres(ctx, address)
		if err != nil {
			return nil, err
		}
		return &Store{backend: db, postgres: db}, nil
	case scheme == "sqlite" || scheme == "sqlite3":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return connectSQLite(ctx, path)
	case found && strings.HasPrefix(rest, "//"):
		return nil, fmt.Errorf("there is no database of the kind %q; give a path, sqlite:PATH or postgres://USER@HOST/DATABASE", scheme)
	}
	return connectSQLite(ctx, address)
}

func connectSQLite(ctx context.Context, path string) (*Store, error) {
	db, err := openSQLite(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Store{backend: db, sqlite: db}, nil
}

// SQLite is the database where it is SQLite, else nil.
func (s *Store) SQLite() DB[*sql.Tx] { return s.sqlite }

// Postgres is the database where it is Postgres, else nil.
func (s *Store) Postgres() DB[pgx.Tx] { return s.postgres }

// Address is where the database is, without its password.
func (s *Store) Address() string { return s.address }

// Close closes the database. Nothing may use the store any more.
func (s *Store) Close() error { return s.backend.close() }

// Redact returns an address without its password, fit for messages.
func Redact(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		scheme, _, _ := strings.Cut(address, "://")
		return scheme + "://..."
	}
	query := u.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if query.Has(secret) {
			query.Set(secret, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}
