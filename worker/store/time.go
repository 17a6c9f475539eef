package store

import (
	"context"
	"fmt"
	"time"
)

// micros is a time as the store keeps it: microseconds since 1970, 0 for no time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is the time that micros was made of, in UTC.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// Now is the present in UTC, to the microsecond, by the clock that all processes on
// this database share: Postgres's own, or for SQLite the host's.
func (s *Store) Now(ctx context.Context, tx Tx) (time.Time, error) {
	expression := s.backend.dialect().now
	if expression == "" {
		return time.Now().UTC().Truncate(time.Microsecond), nil
	}
	var n int64
	if err := tx.QueryRow(ctx, "SELECT "+expression).Scan(&n); err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return fromMicros(n), nil
}
