package output

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1048575: "1.0 MiB",
		309 << 20: "309 MiB", 100*1024 - 1: "100 KiB", -1536: "-1.5 KiB", math.MaxInt64: "8.0 EiB", math.MinInt64: "-8.0 EiB",
	} {
		require.Equal(t, want, Bytes(n))
	}
	require.Equal(t, "+1.5 KiB", BytesChange(1536))
	require.Equal(t, "-1.5 KiB", BytesChange(-1536))
	require.Equal(t, "0 B", BytesChange(0))
}

func TestCounts(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999",
		math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		require.Equal(t, want, Count(n))
	}
	require.Equal(t, "1 page", Counted(1, "page", "pages"))
	require.Equal(t, "2,000 pages", Counted(2000, "page", "pages"))
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 12 * time.Microsecond: "12 µs", 850 * time.Millisecond: "850 ms",
		999700 * time.Microsecond: "1.0 s", 12345 * time.Millisecond: "12.3 s", 59970 * time.Millisecond: "1m 00s",
		245 * time.Second: "4m 05s", 3599*time.Second + 600*time.Millisecond: "1h 00m",
		2*time.Hour + 3*time.Minute: "2h 03m", 76 * time.Hour: "3d 04h", -5 * time.Second: "-5.0 s",
	} {
		require.Equal(t, want, Duration(d))
	}
}

func TestSecondsOfEstimates(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 400 * time.Millisecond: "0 s", 26_600 * time.Millisecond: "27 s", 59_900 * time.Millisecond: "1m 00s", 245 * time.Second: "4m 05s"} {
		require.Equal(t, want, Seconds(d))
	}
}

func TestRatesAndShares(t *testing.T) {
	for rate, want := range map[float64]string{4.25: "4.2/s", 120: "120/s", 0.5: "30.0/min", 0.001: "3.6/h", 0: "0/s", math.Inf(1): "0/s"} {
		require.Equal(t, want, PerSecond(rate))
	}
	require.Equal(t, "0/s", PerSecond(math.NaN()))
	require.Equal(t, "99 %", Percent(299, 300))
	require.Equal(t, "100 %", Percent(300, 300))
	require.Equal(t, "-", Percent(1, 0))
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	require.Equal(t, "never", Ago(time.Time{}, now))
	require.Equal(t, "4m 05s ago", Ago(now.Add(-245*time.Second), now))
	require.Equal(t, "in 2h 00m", Ago(now.Add(2*time.Hour), now))
}
