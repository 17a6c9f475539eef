package heap

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The size of the snapshot of the benchmark:
//
//	go test ./memprof/heap -run '^$' -bench Snapshot -benchtime 1x -snapshot-mb 500
var snapshotMB = flag.Int64("snapshot-mb", 64, "size in MB of the snapshot that the benchmarks read")

// generated is a file with a synthetic snapshot.
func generated(t testing.TB, size int64) (path string, bytes int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "generated.heapsnapshot")
	f, err := os.Create(path)
	require.NoError(t, err)
	bytes, err = generate(f, size)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return path, bytes
}

// peak runs work and returns the most heap memory that it had in use at a time, in bytes. Garbage
// counts until it is collected, which is done as often as the command does it.
func peak(work func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	debug.FreeOSMemory()
	read := func() uint64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64()
	}
	before := read()
	var most atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			if now := read(); now > most.Load() {
				most.Store(now)
			}
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	}()
	work()
	close(stop)
	<-stopped
	return max(most.Load(), read(), before) - before
}

// A snapshot is read in less than its own size, and told about in less than twice that.
func TestMemoryIsBounded(t *testing.T) {
	path, bytes := generated(t, 64<<20)
	var s *Snapshot
	var err error
	used := peak(func() { s, err = Open(path, Options{}) })
	require.NoError(t, err)
	require.Less(t, float64(used), 1.0*float64(bytes), "to read it")
	t.Logf("%.0f MB, read: %.2f times its size", float64(bytes)/1e6, float64(used)/float64(bytes))
	s = nil
	used = peak(func() {
		if s, err = Open(path, Options{}); err == nil {
			s.Summarize(SummaryOptions{})
		}
	})
	require.NoError(t, err)
	require.Less(t, float64(used), 1.8*float64(bytes), "to read it and to tell what it holds")
	t.Logf("and told about: %.2f times its size", float64(used)/float64(bytes))

	s = nil
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	used = peak(func() { s, err = Read(io.MultiReader(f), Options{}) })
	require.NoError(t, err)
	require.Less(t, float64(used), 2.0*float64(bytes), "to read it from a stream whose length is not known")
}

func BenchmarkSnapshot(b *testing.B) {
	path, bytes := generated(b, *snapshotMB*1e6)
	for _, c := range []struct {
		name string
		do   func(*Snapshot) error
	}{
		{"read", func(*Snapshot) error { return nil }},
		{"read and summarize", func(s *Snapshot) error {
			s.Summarize(SummaryOptions{})
			return nil
		}},
		{"read two and compare", func(s *Snapshot) error {
			c := NewComparison(CompareOptions{})
			if err := c.Add("first", s); err != nil {
				return err
			}
			again, err := Open(path, Options{})
			if err != nil {
				return err
			}
			if err := c.Add("again", again); err != nil {
				return err
			}
			_, err = c.Diff()
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(bytes)
			var most uint64
			for b.Loop() {
				used := peak(func() {
					s, err := Open(path, Options{})
					if err == nil {
						err = c.do(s)
					}
					require.NoError(b, err)
				})
				most = max(most, used)
			}
			b.ReportMetric(float64(bytes)/1e6, "file-MB")
			b.ReportMetric(float64(most)/1e6, "peak-MB")
		})
	}
}
