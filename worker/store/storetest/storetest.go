// Package storetest gives tests of the store and the queue databases of both kinds.
//
// A test that needs Postgres fails where it is not installed; it is never skipped.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/ebbworker/ebb/worker/store"
)

// Main runs the tests of a package, stops the Postgres server that they started, and
// fails if goroutines are left. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:", err)
		code = 1
	}
	os.Exit(code)
}

// Each runs a test on SQLite and on Postgres, each time with the address of a database
// of its own.
func Each(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite returns the address of a SQLite database that does not exist yet.
func SQLite(tb testing.TB) string { return "sqlite:" + filepath.Join(tb.TempDir(), "ebb.db") }

// Postgres makes an empty database on the test binary's server and returns its address.
// It is dropped when the test ends.
func Postgres(tb testing.TB) string {
	tb.Helper()
	server, err := startServer()
	if err != nil {
		tb.Fatal(err)
	}
	name := "ebb_" + strings.ToLower(rand.Text())
	server.exec(tb, "CREATE DATABASE "+name)
	tb.Cleanup(func() { server.exec(tb, "DROP DATABASE "+name+" WITH (FORCE)") })
	return server.address(name)
}

// Open opens a store and closes it when the test ends.
func Open(tb testing.TB, address string) *store.Store {
	tb.Helper()
	s, err := store.Open(context.Background(), address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Disconnect makes the server end all connections to a Postgres database, as it does
// when it is stopped.
func Disconnect(tb testing.TB, address string) {
	tb.Helper()
	server, name := serverOf(tb, address)
	server.disconnect(tb, name)
}

// TakeAway makes the server end all connections to a Postgres database and refuse new ones, until back is called.
func TakeAway(tb testing.TB, address string) (back func()) {
	tb.Helper()
	server, name := serverOf(tb, address)
	server.exec(tb, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	server.disconnect(tb, name)
	return func() { server.exec(tb, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true") }
}

func serverOf(tb testing.TB, address string) (s *server, database string) {
	tb.Helper()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		tb.Fatal(err)
	}
	s, err = startServer()
	if err != nil {
		tb.Fatal(err)
	}
	return s, config.Database
}

func (s *server) disconnect(tb testing.TB, database string) {
	tb.Helper()
	s.exec(tb, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+database+"'")
}

func (s *server) address(database string) string {
	return "postgres://ebb@/" + database + "?" + url.Values{"host": {s.folder}}.Encode()
}

// exec runs a statement on the server's own database.
func (s *server) exec(tb testing.TB, statement string) {
	tb.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, s.address("postgres"))
	if err != nil {
		tb.Fatal(fmt.Errorf("connect to the test server: %w", err))
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatal(fmt.Errorf("%s: %w", statement, err))
	}
}
