package sites

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func onSchedule(t *testing.T, schedule, zone string) *Site {
	t.Helper()
	s := New("s", "http://s.example/")
	s.Schedule, s.Timezone = schedule, zone
	s.Templates = []Template{{Name: "page"}}
	require.NoError(t, s.Complete())
	return s
}

func TestNext(t *testing.T) {
	after := time.Date(2026, 2, 27, 23, 59, 30, 0, time.UTC)
	for _, test := range []struct {
		schedule, zone string
		want           []string
	}{
		{"0 6 * * *", "", []string{"2026-02-28T06:00:00Z", "2026-03-01T06:00:00Z"}},
		{"*/20 * * * * *", "UTC", []string{"2026-02-27T23:59:40Z", "2026-02-28T00:00:00Z"}},
		{"@every 10m", "", []string{"2026-02-28T00:00:00Z", "2026-02-28T00:10:00Z"}},
		{"@every 1s", "", []string{"2026-02-27T23:59:31Z", "2026-02-27T23:59:32Z"}},
		{"@daily", "Europe/Berlin", []string{"2026-03-01T00:00:00+01:00", "2026-03-02T00:00:00+01:00"}},
		{"0 0 29 2 *", "", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		// The clock goes forward on 29 March: what would be at 2:30 is left out.
		{"30 2 28-30 3 *", "Europe/Berlin", []string{"2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"}},
	} {
		var got []string
		for _, at := range onSchedule(t, test.schedule, test.zone).Next(after, 2) {
			got = append(got, at.Format(time.RFC3339))
		}
		require.Equal(t, test.want, got, test.schedule)
	}
}

func TestNextWithoutSchedule(t *testing.T) {
	s := onSchedule(t, "", "")
	require.Empty(t, s.Next(time.Now(), 3))
	schedule, err := s.CronSchedule()
	require.NoError(t, err)
	require.Nil(t, schedule)
}

// Two processes that start at different moments must name the same times.
func TestEveryDoesNotDependOnTheStart(t *testing.T) {
	for _, period := range []string{"1s", "7s", "10m", "7h", "36h"} {
		s := onSchedule(t, "@every "+period, "")
		from := time.Date(2026, 11, 22, 3, 4, 5, 678, time.UTC)
		first := s.Next(from, 5)
		d, err := time.ParseDuration(period)
		require.NoError(t, err)
		require.Equal(t, first[1:], s.Next(first[0], 4))
		require.Equal(t, first[2:], s.Next(from.Add(2*d), 3))
		for i := 1; i < len(first); i++ {
			require.Equal(t, d, first[i].Sub(first[i-1]))
		}
	}
}

func TestCronScheduleOfABrokenSite(t *testing.T) {
	for _, s := range []*Site{
		{Name: "s", Schedule: "0 0 30 2 *"},
		{Name: "s", Schedule: "CRON_TZ=UTC"},
		{Name: "s", Schedule: "@daily", Timezone: "Nowhere/Land"},
	} {
		_, err := s.CronSchedule()
		require.ErrorContains(t, err, "schedule of site s: ")
		require.Empty(t, s.Next(time.Now(), 1))
	}
}

func TestShortestPeriod(t *testing.T) {
	for expression, want := range map[string]time.Duration{
		"* * * * *": time.Minute, "0,5 * * * *": 5 * time.Minute, "@every 90s": 90 * time.Second,
		"@monthly": 28 * 24 * time.Hour, "0 0 29 2 *": 1461 * 24 * time.Hour, "*/7 * * * * *": 4 * time.Second,
	} {
		schedule, err := parseSchedule(expression, time.UTC)
		require.NoError(t, err)
		require.Equal(t, want, shortestPeriod(schedule), expression)
	}
}

func TestRunsPerDay(t *testing.T) {
	after := time.Date(2026, 3, 5, 7, 30, 0, 0, time.UTC)
	for schedule, want := range map[string]float64{
		"": 0, "@hourly": 24, "@daily": 1, "*/15 * * * *": 96, "0 3 1 * *": 12.0 / 365, "@every 720h": 1.0 / 30, "30 5 * * 1-5": 5.0 / 7,
	} {
		require.InEpsilon(t, 1+want, 1+(&Site{Schedule: schedule}).RunsPerDay(after), 0.06, schedule)
	}
}
