package leaky

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/cdproto/target"
	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
)

// reading is how a test reads a metric of a case.
type reading func(t testing.TB, d *driver, group string) float64

// readings are the metrics that a test reads; by name, or by the family of its first
// part.
var readings = map[string]reading{
	"heap.used": func(t testing.TB, d *driver, _ string) float64 {
		return heap(t, d.tab(t).Session()).UsedSize
	},
	"heap.backing": func(t testing.TB, d *driver, _ string) float64 {
		return heap(t, d.tab(t).Session()).BackingStorageSize
	},
	"isolate.heap_used": func(t testing.TB, d *driver, group string) float64 {
		return other(t, d, group).UsedSize
	},
	"isolate.heap_backing": func(t testing.TB, d *driver, group string) float64 {
		return other(t, d, group).BackingStorageSize
	},
	"target.count":    targets,
	"storage.bytes":   stored,
	"storage.local":   func(t testing.TB, d *driver, _ string) float64 { return entries(t, d, "localStorage") },
	"storage.session": func(t testing.TB, d *driver, _ string) float64 { return entries(t, d, "sessionStorage") },
	"storage.cookies": func(t testing.TB, d *driver, _ string) float64 {
		return float64(len(call(t, d.browser(t).Session(), storage.GetCookies, storage.GetCookiesParams{}).Cookies))
	},
	"profile.bytes":   httpCache,
	"process.sockets": func(_ testing.TB, d *driver, _ string) float64 { return float64(d.server.sockets.count()) },
	"process.anon":    anonymous,
}

// read is the value of a case's metric after a collection of garbage.
func (d *driver) read(t testing.TB, c Case) float64 {
	t.Helper()
	name, group, _ := strings.Cut(c.Metric, "/")
	call(t, d.tab(t).Session(), heapprofiler.CollectGarbage, cdp.Empty{})
	if counter, ok := strings.CutPrefix(name, "perf."); ok {
		return counted(t, d, counter)
	}
	require.Contains(t, readings, name)
	return readings[name](t, d, group)
}

// settled is a case's metric once two readings with a collection each agree. A document that was left falls in more than
// one collection: with its nodes in the first reading, the growth that follows would come out too small for good.
func (d *driver) settled(t testing.TB, c Case) float64 {
	t.Helper()
	last := d.read(t, c)
	for range 10 {
		now := d.read(t, c)
		if math.Abs(now-last) <= slack(c)/4 {
			return now
		}
		last = now
	}
	return last
}

// heap is the use of an isolate.
func heap(t testing.TB, session cdp.Session) cdpruntime.GetHeapUsageResult {
	t.Helper()
	return call(t, session, cdpruntime.GetHeapUsage, cdp.Empty{})
}

// other is the use of the isolate of the only worker of a type, its garbage collected.
// A dedicated worker answers nobody before its page's session has asked to be attached
// to what the page starts.
func other(t testing.TB, d *driver, kind string) cdpruntime.GetHeapUsageResult {
	t.Helper()
	b := d.browser(t)
	call(t, d.tab(t).Session(), target.SetAutoAttach, target.SetAutoAttachParams{AutoAttach: true, Flatten: new(true)})
	for _, open := range b.Targets() {
		if open.Type != kind {
			continue
		}
		session, detach, err := b.Attach(browsertest.Within(t), open.ID)
		require.NoError(t, err)
		defer detach()
		call(t, session, heapprofiler.CollectGarbage, cdp.Empty{})
		return heap(t, session)
	}
	require.Fail(t, "there is no "+kind)
	return cdpruntime.GetHeapUsageResult{}
}

// counted is one of the counters of Performance.getMetrics.
func counted(t testing.TB, d *driver, name string) float64 {
	t.Helper()
	session := d.tab(t).Session()
	call(t, session, performance.Enable, performance.EnableParams{})
	for _, m := range call(t, session, performance.GetMetrics, cdp.Empty{}).Metrics {
		if m.Name == name {
			return m.Value
		}
	}
	require.Fail(t, "Chrome does not count "+name)
	return 0
}

// targets is the number of open targets of a type.
func targets(t testing.TB, d *driver, kind string) float64 {
	t.Helper()
	n := 0
	for _, open := range d.browser(t).Targets() {
		if open.Type == kind {
			n++
		}
	}
	return float64(n)
}

// stored is what the server's origin has stored of a kind.
func stored(t testing.TB, d *driver, kind string) float64 {
	t.Helper()
	use := call(t, d.tab(t).Session(), storage.GetUsageAndQuota, storage.GetUsageAndQuotaParams{Origin: d.base})
	for _, part := range use.UsageBreakdown {
		if string(part.StorageType) == kind {
			return part.Usage
		}
	}
	return 0
}

// entries is the size of the page's localStorage or sessionStorage, two bytes a
// character.
func entries(t testing.TB, d *driver, name string) float64 {
	t.Helper()
	raw, err := d.tab(t).EvaluateMain(browsertest.Within(t), `Object.entries(`+name+`).reduce((sum, [key, value]) => sum + 2 * (key.length + value.length), 0)`)
	require.NoError(t, err)
	size, err := strconv.ParseFloat(string(raw), 64)
	require.NoError(t, err)
	return size
}

// httpCache is the size of the files of the cache for answers.
func httpCache(t testing.TB, d *driver, _ string) float64 {
	t.Helper()
	var size int64
	err := filepath.WalkDir(filepath.Join(d.browser(t).ProfileDir(), "Default", "Cache"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	require.NoError(t, err)
	return float64(size)
}

// processNames are Chrome's names for types of processes.
var processNames = map[string]string{"renderer": "renderer", "browser": "browser", "gpu-process": "GPU"}

// anonymous is the anonymous and shared memory of Chrome's processes of a type.
func anonymous(t testing.TB, d *driver, kind string) float64 {
	t.Helper()
	sum := 0.0
	for _, pid := range processes(t, d, kind) {
		sum += status(t, pid, "RssAnon") + status(t, pid, "RssShmem")
	}
	return sum
}

// processes are the numbers of Chrome's processes of a type, of which there is one at least.
func processes(t testing.TB, d *driver, kind string) []int64 {
	t.Helper()
	pids := processesOf(t, d, kind)
	require.NotEmpty(t, pids, kind)
	return pids
}

func processesOf(t testing.TB, d *driver, kind string) []int64 {
	t.Helper()
	var pids []int64
	for _, p := range call(t, d.browser(t).Session(), systeminfo.GetProcessInfo, cdp.Empty{}).ProcessInfo {
		if p.Type == processNames[kind] {
			pids = append(pids, p.ID)
		}
	}
	return pids
}

// status is a line of /proc/PID/status in bytes.
func status(t testing.TB, pid int64, name string) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.FormatInt(pid, 10) + "/status")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(text)
	require.NotNil(t, line, name)
	kB, err := strconv.ParseFloat(string(line[1]), 64)
	require.NoError(t, err)
	return kB * 1024
}
