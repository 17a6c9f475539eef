package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// AlarmMemory is for how long an alarm that nobody has raised since stays known.
const AlarmMemory = 30 * 24 * time.Hour

// KnownAlarm says what is known of an alarm.
type KnownAlarm struct {
	// Seen is how often it was raised before; 0 is never, or not within AlarmMemory.
	Seen int
	// First is when it was raised first.
	First time.Time
}

// SeeAlarm records that an alarm was raised for some sites and returns what was known of it before.
// Of all processes on the database one is the first.
func (s *Store) SeeAlarm(ctx context.Context, fingerprint string, sites []string) (known KnownAlarm, err error) {
	names := strings.Join(slices.Sorted(slices.Values(sites)), ",")
	err = s.backend.write(ctx, func(tx Tx) error {
		now, err := s.Now(ctx, tx)
		if err != nil {
			return err
		}
		// The row that is counted up is locked, so that nobody else is the first as well.
		var seen, first int64
		err = tx.QueryRow(ctx, `INSERT INTO alarms (fingerprint, sites, seen, first_at, last_at) VALUES ($1, $2, 1, $3, $3)
			ON CONFLICT (fingerprint, sites) DO UPDATE SET
				seen = CASE WHEN alarms.last_at < $4 THEN 1 ELSE alarms.seen + 1 END,
				first_at = CASE WHEN alarms.last_at < $4 THEN $3 ELSE alarms.first_at END,
				last_at = $3
			RETURNING seen, first_at`, fingerprint, names, micros(now), micros(now.Add(-AlarmMemory))).Scan(&seen, &first)
		known = KnownAlarm{Seen: int(seen) - 1, First: fromMicros(first)}
		return err
	})
	if err != nil {
		return KnownAlarm{}, fmt.Errorf("record the alarm %s: %w", fingerprint, err)
	}
	return known, nil
}
