package linux

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

func TestHost(t *testing.T) {
	h := NewHost(Options{Root: captured("hybrid")})
	readings, totals := read(t, h, full)
	require.Empty(t, faults(readings))
	known(t, totals, "host.memory", "", 24684092<<10)
	known(t, totals, "host.available", "", 23968892<<10)
	known(t, totals, "host.swap_used", "", 0)
	known(t, totals, "host.load", "", 6.95)
	known(t, totals, "host.pressure_some", "", 0)
	known(t, totals, "host.cpu_pressure_some", "", 11.5)
	known(t, totals, "host.io_pressure_some", "", 0.25)
	known(t, totals, "host.swap_in", "", float64(12*os.Getpagesize()))
	known(t, totals, "host.swap_out", "", float64(345*os.Getpagesize()))
	require.Empty(t, h.Read(context.Background(), cheap))

	readings = NewHost(Options{Root: fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal: 1 kB\n")}, "proc/loadavg": {Data: []byte("x 1 1\n")}}}).Read(context.Background(), full)
	found := faults(readings)
	require.Len(t, found, 10, "every figure is a gap")
	require.Contains(t, found["host.memory/"], "is missing")
	require.Contains(t, found["host.load/"], "parse loadavg: ")
	_, err := parseMeminfo([]byte("MemTotal: 1 MB\n"))
	require.EqualError(t, err, `parse meminfo: MemTotal: "1 MB" is not in kB`)
}

func profile(dir string) func() []Browser {
	return func() []Browser { return []Browser{{ID: "b", PID: 1, ProfileDir: dir}, {ID: "none", PID: 2}} }
}

func TestProfileBytes(t *testing.T) {
	root := fstest.MapFS{
		"p/a": {Data: make([]byte, 100)}, "p/Default/Cache/b": {Data: make([]byte, 50)}, "q/c": {Data: make([]byte, 7)},
		"p/Default/Service Worker/ScriptCache/1": {Data: make([]byte, 1)}, "p/Default/Service Worker/CacheStorage/1": {Data: make([]byte, 2)},
		"p/Default/WebStorage/2/IndexedDB/1": {Data: make([]byte, 3)}, "p/Default/WebStorage/QuotaManager": {Data: make([]byte, 4)},
	}
	p := NewProfiles(Options{Root: root, Browsers: profile("/p")})
	readings, totals := read(t, p, full)
	require.Empty(t, faults(readings))
	for kind, want := range map[string]float64{
		"": 160, "other": 100, "http-cache": 50, "service-worker": 1, "cache-storage": 2, "indexeddb": 3, "web-storage": 4, "cookies": 0,
	} {
		known(t, totals, "profile.bytes", kind, want)
	}
	known(t, totals, "profile.files", "", 6)
	require.Empty(t, p.Read(context.Background(), tick))

	readings, totals = read(t, NewProfiles(Options{Root: root, Browsers: profile("/no")}), full)
	require.ErrorIs(t, readings[0].Err, memprof.ErrGone)
	unknown(t, totals, "profile.bytes", "")
}

func TestAProfileOfTooManyFilesIsNotWalkedToTheEnd(t *testing.T) {
	root := fstest.MapFS{}
	for i := range 12 {
		root[fmt.Sprintf("p/%02d", i)] = &fstest.MapFile{}
	}
	size, err := folderSize(context.Background(), root, "p", 12)
	require.NoError(t, err)
	require.Equal(t, 12, size.files)
	_, err = folderSize(context.Background(), root, "p", 11)
	require.EqualError(t, err, "measure the profile folder: it has more than 11 files")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = folderSize(ctx, root, "p", 12)
	require.ErrorIs(t, err, context.Canceled)
}
