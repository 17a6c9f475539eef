package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

// migrations are named NNNN_what.sql; each is applied once, in order, in a transaction.
//
//go:embed migrations
var migrations embed.FS

// migration is one step of the schema.
type migration struct {
	version int
	query   string
}

// readMigrations returns the migrations in a folder, in order.
func readMigrations(folder string) ([]migration, error) {
	entries, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	var all []migration
	for _, entry := range entries {
		number, _, _ := strings.Cut(entry.Name(), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != len(all)+1 {
			return nil, fmt.Errorf("migration %s: its number is not %04d", entry.Name(), len(all)+1)
		}
		query, err := migrations.ReadFile(path.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", entry.Name(), err)
		}
		all = append(all, migration{version, string(query)})
	}
	return all, nil
}

// migrate brings the tables up to date, alone among all processes. Where they are
// already, it changes nothing.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := readMigrations(s.backend.dialect().folder)
	if err != nil {
		return err
	}
	return s.backend.lockMigrations(ctx, func() error {
		if err := s.backend.write(ctx, func(tx Tx) error { return s.checkVersion(ctx, tx, len(steps)) }); err != nil {
			return err
		}
		if err := s.backend.migrateQueue(ctx); err != nil {
			return fmt.Errorf("migrate the queue's tables: %w", err)
		}
		return s.backend.write(ctx, func(tx Tx) error { return s.applyMigrations(ctx, tx, steps) })
	})
}

// checkVersion refuses a database that a newer program has changed, and makes the table
// of versions in a new one.
func (s *Store) checkVersion(ctx context.Context, tx Tx, known int) error {
	if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS ebb_schema (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)"); err != nil {
		return fmt.Errorf("make the table of versions: %w", err)
	}
	version, err := s.version(ctx, tx)
	if err != nil || version <= known {
		return err
	}
	return fmt.Errorf("%w: its schema has version %d, this program knows up to %d; use the newer program, or another database",
		ErrNewerSchema, version, known)
}

func (s *Store) applyMigrations(ctx context.Context, tx Tx, steps []migration) error {
	version, err := s.version(ctx, tx)
	if err != nil {
		return err
	}
	for _, step := range steps[version:] {
		if _, err := tx.Exec(ctx, step.query); err != nil {
			return fmt.Errorf("migrate to version %d: %w", step.version, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO ebb_schema (version, applied_at) VALUES ($1, $2)",
			step.version, micros(time.Now())); err != nil {
			return fmt.Errorf("record version %d: %w", step.version, err)
		}
	}
	return nil
}

// version is the schema's version, 0 for an empty database.
func (s *Store) version(ctx context.Context, tx Tx) (int, error) {
	var version int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM ebb_schema").Scan(&version); err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return version, nil
}

// migrateQueue brings the queue's own tables up to date.
func migrateQueue[TTx any](ctx context.Context, driver riverdriver.Driver[TTx]) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	known := len(migrator.AllVersions())
	applied, err := driver.GetExecutor().MigrationGetByLine(ctx, &riverdriver.MigrationGetByLineParams{Line: "main"})
	if err == nil && len(applied) > known {
		return fmt.Errorf("%w: the queue's schema has version %d, this program knows up to %d; use the newer program, or another database",
			ErrNewerSchema, len(applied), known)
	}
	// Where the table of the queue's versions is missing, the migration makes it.
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}
