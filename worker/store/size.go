package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Size is how many bytes the database takes: SQLite's file with its log (-wal) and the log's
// index (-shm), or what Postgres says of the whole database.
func (s *Store) Size(ctx context.Context) (int64, error) {
	size, err := s.backend.size(ctx)
	if err != nil {
		return 0, fmt.Errorf("measure the database: %w", err)
	}
	return size, nil
}

// size implements backend.
func (db *sqliteDB) size(context.Context) (int64, error) {
	var total int64
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(db.path + suffix)
		switch {
		case errors.Is(err, fs.ErrNotExist) && suffix != "":
			continue // nothing is written yet, or all of it is in the file
		case err != nil:
			return 0, err
		}
		total += info.Size()
	}
	return total, nil
}

// size implements backend.
func (db *postgresDB) size(ctx context.Context) (int64, error) {
	var total int64
	if err := db.pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&total); err != nil {
		return 0, db.explain(err)
	}
	return total, nil
}
