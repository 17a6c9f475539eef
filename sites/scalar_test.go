package sites

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"
)

func TestDurationText(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "500ms": 500 * time.Millisecond, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
		"1.5h": 90 * time.Minute, "2m30.5s": 150500 * time.Millisecond,
	} {
		var d Duration
		require.NoError(t, d.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, time.Duration(d), text)
	}
	for _, text := range []string{"", "5", "-5s", "1d", "5 s", "s", "1us", "1e3s", "5S", "99999999999h", "1h 30m", "٣s"} {
		var d Duration
		require.Error(t, d.UnmarshalText([]byte(text)), text)
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Minute: "1h30m", time.Hour + time.Second: "1h0m1s",
		90 * time.Second: "1m30s", 50 * time.Millisecond: "50ms",
	} {
		require.Equal(t, want, Duration(d).String())
	}
}

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{
		"0B": 0, "1B": 1, "500KB": 500_000, "500kB": 500_000, "20MB": 20_000_000, "1.5GB": 1_500_000_000, "1KiB": 1024,
		"1.5 MiB": 3 << 19, "2GiB": 2 << 30, "0.0005KB": 0, "0.1MB": 100_000,
	} {
		var s Size
		require.NoError(t, s.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, s, text)
	}
	for _, text := range []string{"", "5", "-5B", "5 mb", "5Mb", "MB", "1e3B", "9999999999999GB", "1..5MB", "5  MB", "5TB"} {
		var s Size
		require.Error(t, s.UnmarshalText([]byte(text)), text)
	}
}

func TestRateText(t *testing.T) {
	for text, want := range map[string]Rate{"2/s": 2, "30/m": 0.5, "36/h": 0.01, "0.5/s": 0.5, "none": 0} {
		var r Rate
		require.NoError(t, r.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, r, text)
	}
	for _, text := range []string{"", "5", "0/s", "-1/s", "1/d", "1 / s", "None", "1/", "/s", "1e3/s"} {
		var r Rate
		require.Error(t, r.UnmarshalText([]byte(text)), text)
	}
	require.Equal(t, "30/m", Rate(0.5).String())
	require.Equal(t, "5/s", Rate(5).String())
	require.Equal(t, "100/h", Rate(100.0/3600).String())
}

// What is written to a file reads back as the same value, through YAML too.
func TestScalarsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := Limits{
			PageTimeout: Duration(rapid.Int64Range(1, int64(24*time.Hour)).Draw(t, "ms")/1e6*1e6 + 1e6),
			PageSize:    Size(rapid.Int64Range(1, 1e9).Draw(t, "bytes")),
			ItemSize:    Size(rapid.Int64Range(1, 1e6).Draw(t, "thousands") * 1000),
			Rate:        Rate(rapid.Float64Range(1e-6, 1000).Draw(t, "rate")),
		}
		data, err := yaml.Dump(before)
		require.NoError(t, err)
		var after Limits
		require.NoError(t, yaml.Load(data, &after), string(data))
		require.Equal(t, before, after, string(data))
	})
}

func TestRateNoneIsWritten(t *testing.T) {
	data, err := yaml.Dump(Limits{})
	require.NoError(t, err)
	require.Equal(t, "rate: none\n", string(data))
}

// A complete site that is written as YAML reads back as the same site.
func TestSiteRoundTrip(t *testing.T) {
	for _, file := range []string{"testdata/good/all-keys.yaml", "testdata/good/short-forms.yaml", "examples/dashboard.yaml"} {
		before, err := Load(file)
		require.NoError(t, err)
		data, err := yaml.Dump(before)
		require.NoError(t, err)
		after, err := Parse(file, data)
		require.NoError(t, err, string(data))
		before.at, after.at = nil, nil
		require.Equal(t, before, after)
	}
}
