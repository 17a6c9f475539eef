package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/worker/store"
	"github.com/ebbworker/ebb/worker/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestOpenSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	text := write("text.db", []byte(strings.Repeat("this is no database\n", 300)))
	foreign := filepath.Join(folder, "foreign.db")
	execSQLite(t, foreign, "CREATE TABLE songs (title TEXT)")
	for _, test := range []struct {
		name, address, message string
		is                     error
	}{
		{"empty", "", "the address is empty; give a path", nil},
		{"other kind", "mysql://root:secret@db/x", `there is no database of the kind "mysql"; give a path, sqlite:PATH or postgres://`, nil},
		{"relative after two slashes", "sqlite://ebb.db", "write sqlite:ebb.db", nil},
		{"no file", "sqlite:///", "the path names no file", nil},
		{"folder", folder, "is a folder; give the path of a file, for example " + folder + "/ebb.db", nil},
		{"device", "/dev/null", "is no ordinary file", nil},
		{"below a file", text + "/x/ebb.db", "make the folder", nil},
		{"text", text, "the file is no SQLite database", store.ErrCorrupt},
		{"other program's", foreign, "the file is the database of another program", nil},
		{"bad address", "postgres://a b@/x", "does not read as postgres://USER:PASSWORD@HOST:PORT/DATABASE", nil},
		{"refused", "postgres://ebb:secret@127.0.0.1:1/x", "no server answers at 127.0.0.1:1; start it", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := store.Open(t.Context(), test.address)
			require.ErrorContains(t, err, test.message)
			require.NotContains(t, err.Error(), "secret")
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
		})
	}
	// What was refused was left as it was.
	content, err := os.ReadFile(text)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("this is no database\n", 300), string(content))
}

func TestOpenPostgresWithoutDatabase(t *testing.T) {
	address := storetest.Postgres(t)
	_, err := store.Open(t.Context(), strings.Replace(address, "/ebb_", "/missing_", 1))
	require.ErrorContains(t, err, "the server has no such database; make it with createdb")
}

func TestOpenMakesFolderAndPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "with 100%?", "ebb #1.db")
	storetest.Open(t, path)
	for name, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}

func TestOpenAddresses(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for address, path := range map[string]string{
		"sqlite:a.db":                  "a.db",
		"sqlite://" + folder + "/b.db": "b.db",
		"c.db":                         "c.db",
		folder + "/d:e.db":             "d:e.db",
		"sqlite3:f.db":                 "f.db",
	} {
		storetest.Open(t, address)
		require.FileExists(t, filepath.Join(folder, path))
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://u:secret@h/d":                       "postgres://u:xxxxx@h/d",
		"postgres://u@h/d?password=secret&sslmode=none": "postgres://u@h/d?password=xxxxx&sslmode=none",
		"postgres://u:sec ret@[h/d":                     "postgres://...",
		"/var/lib/ebb.db":                               "/var/lib/ebb.db",
	} {
		require.Equal(t, want, store.Redact(address))
	}
}

func TestMigrationsRace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() {
				s, err := store.Open(context.Background(), address)
				if err == nil {
					err = s.Close()
				}
				errs[i] = err
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		storetest.Open(t, address) // and once more
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	for table, insert := range map[string]string{
		"its schema has version 99":        "INSERT INTO ebb_schema (version, applied_at) VALUES (99, 0)",
		"the queue's schema has version 1": "INSERT INTO river_migration (line, version) SELECT 'main', version + 100 FROM river_migration",
	} {
		storetest.Each(t, func(t *testing.T, address string) {
			s, err := store.Open(t.Context(), address)
			require.NoError(t, err)
			require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) error {
				_, err := tx.Exec(t.Context(), insert)
				return err
			}))
			require.NoError(t, s.Close())
			_, err = store.Open(t.Context(), address)
			require.ErrorIs(t, err, store.ErrNewerSchema)
			require.ErrorContains(t, err, table)
			require.ErrorContains(t, err, "use the newer program, or another database")
		})
	}
}

func TestDamagedFileIsToldWhenItIsMet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ebb.db")
	s, err := store.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, s.InTx(t.Context(), func(tx store.Tx) error {
		for i := range 2000 {
			if _, _, err := s.AddRun(t.Context(), tx, store.Run{Site: "shop", ScheduledAt: at(i), Reason: store.ReasonManual, State: store.RunPlanned}); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, s.Close()) // writes everything into the file
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 4096; i < len(content); i++ {
		content[i] = 0xA5
	}
	require.NoError(t, os.WriteFile(path, content, 0o600))

	s, err = store.Open(t.Context(), path)
	if err == nil {
		_, err = s.Runs(t.Context(), store.RunFilter{})
		require.NoError(t, s.Close())
	}
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.ErrorContains(t, err, "restore a backup")
}

// execSQLite runs a statement on a file without the store.
func execSQLite(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(statement)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestWriterWaitsForAnotherProcess(t *testing.T) {
	address := storetest.SQLite(t)
	s := storetest.Open(t, address)
	other, err := sql.Open("sqlite", strings.TrimPrefix(address, "sqlite:"))
	require.NoError(t, err)
	defer other.Close()
	conn, err := other.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	require.NoError(t, err)

	begun, written := make(chan struct{}), make(chan error)
	go func() {
		close(begun)
		_, err := s.Beat(context.Background(), "nobody")
		written <- err
	}()
	<-begun
	// Readers go on meanwhile.
	_, err = s.Runs(t.Context(), store.RunFilter{})
	require.NoError(t, err)
	// A caller that does not want to wait is told why it waited.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Beat(ctx, "nobody")
	require.ErrorIs(t, err, context.Canceled)

	_, err = conn.ExecContext(t.Context(), "COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-written)
}

func TestPostgresKeepsTheSchemasOfOthers(t *testing.T) {
	address := storetest.Postgres(t)
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE TABLE songs (title TEXT)")
	require.NoError(t, err)
	storetest.Open(t, address)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM songs").Scan(&n))
	require.Zero(t, n)
}

func ExampleRedact() {
	fmt.Println(store.Redact("postgres://ebb:secret@db/ebb"))
	// Output: postgres://ebb:xxxxx@db/ebb
}
