package sites

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known where the system has none

	"github.com/robfig/cron/v3"
)

// scheduleStart is the time from which a schedule is tried at load. It is fixed, so
// that a file does not become wrong by itself, and a leap day follows within the five
// years that cron looks ahead.
var scheduleStart = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

// CronSchedule gives the times at which the site's runs are due, read in Timezone, or
// nil and no error when the site has no schedule. Jitter is not part of it. The times
// depend on the site alone: a schedule of @every 10m gives the whole multiples of ten
// minutes, whatever time Next is asked for first.
func (s *Site) CronSchedule() (cron.Schedule, error) {
	if s.Schedule == "" {
		return nil, nil
	}
	zone := s.Timezone
	if zone == "" {
		zone = defaultTimezone
	}
	location, err := loadTimezone(zone)
	if err != nil {
		return nil, fmt.Errorf("schedule of site %s: timezone %s: %w", s.Name, zone, err)
	}
	schedule, err := parseSchedule(s.Schedule, location)
	if err != nil {
		return nil, fmt.Errorf("schedule of site %s: %w", s.Name, err)
	}
	return schedule, nil
}

// Next gives the next n times after the given one at which a run is due, in the site's
// Timezone and without jitter; none when the site has no schedule or it is not right.
func (s *Site) Next(after time.Time, n int) []time.Time {
	schedule, err := s.CronSchedule()
	if err != nil || schedule == nil {
		return nil
	}
	location, err := loadTimezone(s.Timezone)
	if err != nil {
		location = time.UTC
	}
	var times []time.Time
	for len(times) < n {
		after = schedule.Next(after.In(location))
		if after.IsZero() {
			break
		}
		times = append(times, after)
	}
	return times
}

func loadTimezone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("not a time zone")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, errors.New("unknown time zone")
	}
	return location, nil
}

// every is a schedule of the whole multiples of a period since the year 1 in UTC.
type every struct{ period time.Duration }

// RunsPerDay is how often the schedule fires a day: over the week that follows, or, where that is
// fewer than twenty times, over its next twenty. 0 without a schedule.
func (s *Site) RunsPerDay(after time.Time) float64 {
	const most, few, week = 5000, 20, 7 * 24 * time.Hour
	times := s.Next(after, most)
	n := 0
	for n < len(times) && times[n].Before(after.Add(week)) {
		n++
	}
	n = min(max(n, few), len(times))
	if n < 2 {
		return 0
	}
	return float64(n-1) * float64(24*time.Hour) / float64(times[n-1].Sub(times[0]))
}

// Next gives the first multiple after t.
func (e every) Next(t time.Time) time.Time { return t.Truncate(e.period).Add(e.period) }

// cronField is one field of a cron expression. robfig/cron would take an empty entry
// of a list for "never" and ignore what follows a star.
var cronField = regexp.MustCompile(`^((\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?)(,(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?)*$`)

const scheduleForms = "write five fields (minute hour day month weekday), six with seconds first, @daily or @every 10m"

// parseSchedule reads a schedule and makes sure that it fires.
func parseSchedule(expression string, location *time.Location) (cron.Schedule, error) {
	switch {
	case strings.Contains(expression, "TZ="):
		return nil, errors.New("names a time zone within the expression; write it under timezone")
	case strings.HasPrefix(expression, "@every"):
		return parseEvery(strings.TrimPrefix(expression, "@every"))
	case strings.HasPrefix(expression, "@"):
	default:
		fields := strings.Fields(expression)
		if len(fields) != 5 && len(fields) != 6 {
			return nil, fmt.Errorf("has %d fields; %s", len(fields), scheduleForms)
		}
		for _, field := range fields {
			if !cronField.MatchString(field) {
				return nil, fmt.Errorf("is not a cron expression: %s is no field; write a number, a range 1-5, a list 1,3 or a step */10", shown(field))
			}
		}
	}
	const fields = cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor
	parsed, err := cron.NewParser(fields).Parse(expression)
	if err != nil {
		return nil, cronFault(expression, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("is not a cron expression; " + scheduleForms)
	}
	spec.Location = location
	if spec.Next(scheduleStart).IsZero() {
		return nil, errors.New("never fires: no such day exists; check day and month")
	}
	return spec, nil
}

func parseEvery(period string) (cron.Schedule, error) {
	d, err := time.ParseDuration(strings.TrimSpace(period))
	switch {
	case err != nil || !strings.HasPrefix(period, " "):
		return nil, errors.New("is not a period; write @every 90s, @every 10m or @every 1h30m")
	case d < time.Second:
		return nil, errors.New("fires more than once a second; write @every 1s or longer")
	case d%time.Second != 0:
		return nil, errors.New("is not a whole number of seconds; write @every 2s, not @every 1.5s")
	case d > maxPeriod:
		return nil, errors.New("is longer than a year; write @yearly or a cron expression")
	}
	return every{period: d}, nil
}

const maxPeriod = 366 * 24 * time.Hour

// cronFault puts robfig/cron's message in the words of this package.
func cronFault(expression string, err error) error {
	message := err.Error()
	if strings.HasPrefix(expression, "@") {
		return errors.New("is not a known descriptor; write @hourly, @daily, @weekly, @monthly, @yearly or @every 10m")
	}
	if rest, found := strings.CutPrefix(message, "failed to parse int from "); found {
		word, _, _ := strings.Cut(rest, ":")
		message = shown(word) + " is neither a number nor the name of a month or weekday"
	}
	return errors.New("is not a cron expression: " + message + "; " + scheduleForms)
}

// shortestPeriod gives the shortest time between two runs that follow each other,
// among the next 500.
func shortestPeriod(schedule cron.Schedule) time.Duration {
	if e, ok := schedule.(every); ok {
		return e.period
	}
	shortest := maxPeriod * 8
	last := schedule.Next(scheduleStart)
	for range 500 {
		next := schedule.Next(last)
		if next.IsZero() {
			break
		}
		shortest = min(shortest, next.Sub(last))
		last = next
	}
	return shortest
}
