package browser

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// entry is one file of an archive.
type entry struct {
	name, text string
	mode       fs.FileMode
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		require.NoError(t, err)
		_, err = io.WriteString(w, e.text)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// chromeArchive is an archive as Google makes them, with a Chrome that says version.
func chromeArchive(t *testing.T, version string) []byte {
	t.Helper()
	elf, err := fakeChrome()
	require.NoError(t, err)
	dir := archiveFolder() + "/"
	return zipOf(t,
		entry{dir, "", fs.ModeDir | 0o700},
		entry{dir + archiveExecutable, string(elf), 0o700},
		entry{dir + archiveExecutable + ".says", "Google Chrome for Testing " + version + " \n", 0o600},
		entry{dir + "locales/de.pak", "de", 0o600},
	)
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mirror serves one archive and counts what it was asked.
type mirror struct {
	*httptest.Server
	asked   atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
}

func newMirror(t *testing.T, archive []byte) *mirror {
	t.Helper()
	m := &mirror{}
	m.serve(archive)
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		(*m.handler.Load())(w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) serve(archive []byte) {
	m.handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(archive)))
		_, _ = w.Write(archive)
	})
}

func (m *mirror) handle(h http.HandlerFunc) { m.handler.Store(&h) }

const testVersion = "156.0.7.7"

// bareMachine has no Chrome, no apt-get, and the mirror for Chrome for Testing.
func bareMachine(t *testing.T, m *mirror) InstallOptions {
	t.Helper()
	root := realTempDir(t)
	return InstallOptions{
		From: FromTesting, Version: testVersion, BaseURL: m.URL + "/public/",
		CacheDir: filepath.Join(root, "cache/browsers"), Root: root,
		Getenv: func(string) string { return "" },
		euid:   func() int { return 1000 },
	}
}

// cacheEntries lists what is in the cache, but for the lock.
func cacheEntries(t *testing.T, o InstallOptions) []string {
	t.Helper()
	entries, err := os.ReadDir(o.CacheDir)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		if e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestInstallTesting(t *testing.T) {
	archive := chromeArchive(t, testVersion)
	m := newMirror(t, archive)
	o := bareMachine(t, m)
	var out bytes.Buffer
	o.Output = &out
	// Chrome runs as another user than root, whatever root's umask is.
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)

	exe, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, Executable{
		Path:    filepath.Join(o.CacheDir, testVersion, archiveFolder(), archiveExecutable),
		Version: testVersion, Headless: true, Source: "cache",
	}, exe)
	require.Contains(t, out.String(), "downloading "+m.URL+"/public/"+testVersion+"/"+testingPlatform()+"/chrome-headless-shell-"+testingPlatform()+".zip\n")
	require.Contains(t, out.String(), "100 % of")
	require.Contains(t, out.String(), "installed Chrome "+testVersion)
	require.Equal(t, []string{testVersion, "SHA256SUMS"}, cacheEntries(t, o))
	record, err := os.ReadFile(filepath.Join(o.CacheDir, "SHA256SUMS"))
	require.NoError(t, err)
	require.Equal(t, sumOf(archive)+"  "+testVersion+"/"+archiveFolder()+".zip\n", string(record))
	require.NoError(t, filepath.WalkDir(filepath.Dir(o.CacheDir), func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		switch {
		case d.IsDir() || d.Name() == archiveExecutable:
			require.Equal(t, fs.FileMode(0o755), info.Mode().Perm(), path)
		case strings.HasPrefix(path, filepath.Join(o.CacheDir, testVersion)):
			require.Equal(t, fs.FileMode(0o644), info.Mode().Perm(), path)
		}
		return nil
	}))

	// Once it is there, nothing is asked of the network, and Find finds it.
	again, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, exe, again)
	require.EqualValues(t, 1, m.asked.Load())
	found, err := Find(o.findOptions())
	require.NoError(t, err)
	require.Equal(t, exe, found)
}

func TestInstallTakesAnyUsableChromeUnlessTold(t *testing.T) {
	m := newMirror(t, chromeArchive(t, testVersion))
	o := bareMachine(t, m)
	path := putChrome(t, filepath.Join(o.Root, "usr/lib/chromium/chromium"), "")
	o.From, o.Version = "", ""
	exe, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, path, exe.Path)
	require.Zero(t, m.asked.Load())

	o.Version = testVersion
	exe, err = Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, testVersion, exe.Version)
	require.EqualValues(t, 1, m.asked.Load())

	// A wrong path in the environment would hide what is installed: it must be corrected.
	o.From, o.Version = "", ""
	o.Getenv = func(k string) string { return map[string]string{"CHROME_BIN": "/nowhere/chrome"}[k] }
	_, err = Install(t.Context(), o)
	require.ErrorContains(t, err, "the browser named by CHROME_BIN: /nowhere/chrome does not exist")
}

func TestInstallAtOnceFromSeveralProcesses(t *testing.T) {
	m := newMirror(t, chromeArchive(t, testVersion))
	o := bareMachine(t, m)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			exe, err := Install(t.Context(), o)
			if err == nil && exe.Version != testVersion {
				err = fmt.Errorf("got %v", exe)
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	require.EqualValues(t, 1, m.asked.Load())
}

// Google publishes no checksums; an archive that changes under its name is still noticed.
func TestInstallNoticesAChangedArchive(t *testing.T) {
	m := newMirror(t, chromeArchive(t, testVersion))
	o := bareMachine(t, m)
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	other := append(chromeArchive(t, testVersion), 0) // a byte after the end is still a ZIP file
	m.serve(other)
	o.Force = true
	_, err = Install(t.Context(), o)
	require.ErrorIs(t, err, errArchive)
	require.ErrorContains(t, err, "its SHA-256 is "+sumOf(other)+", and was ")
	exe, err := Find(o.findOptions())
	require.NoError(t, err, "what was installed stays usable")
	require.Equal(t, testVersion, exe.Version)

	o.SHA256 = strings.ToUpper(sumOf(other))
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
	o.SHA256 = ""
	_, err = Install(t.Context(), o)
	require.NoError(t, err, "the new checksum is recorded")
	require.Equal(t, []string{testVersion, "SHA256SUMS"}, cacheEntries(t, o))
}

func TestInstallRefusesBadDownloads(t *testing.T) {
	dir := archiveFolder() + "/"
	good := chromeArchive(t, testVersion)
	many := make([]entry, maxArchiveFiles+1)
	for i := range many {
		many[i] = entry{fmt.Sprintf("%s%d", dir, i), "", 0o644}
	}
	serve := func(b []byte) func(*mirror, *InstallOptions) {
		return func(m *mirror, _ *InstallOptions) { m.serve(b) }
	}
	status := func(code int) func(*mirror, *InstallOptions) {
		return func(m *mirror, _ *InstallOptions) {
			m.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		}
	}
	cases := []struct {
		name  string
		setup func(*mirror, *InstallOptions)
		want  string
	}{
		{"unknown version", status(404), "404 Not Found: there is no such version for " + testingPlatform()},
		{"server error", status(503), "503 Service Unavailable"},
		{"announced too large", func(_ *mirror, o *InstallOptions) { o.MaxArchive = 1000 }, "the archive is refused: it has"},
		{"too large unannounced", func(m *mirror, o *InstallOptions) {
			o.MaxArchive = 1000
			m.handle(func(w http.ResponseWriter, _ *http.Request) {
				w.(http.Flusher).Flush()
				_, _ = w.Write(make([]byte, 1001))
			})
		}, "it has more than 1000 bytes"},
		{"cut off", func(m *mirror, _ *InstallOptions) {
			m.handle(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte("PK"))
			})
		}, "unexpected EOF"},
		{"stalled", func(m *mirror, o *InstallOptions) {
			o.StallTimeout = 100 * time.Millisecond
			m.handle(func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write([]byte("PK"))
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
		}, "no byte came for 100ms"},
		{"no answer in time", func(m *mirror, o *InstallOptions) {
			o.Timeout = 300 * time.Millisecond
			m.handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, "not done within 300ms"},
		{"redirected for ever", func(m *mirror, _ *InstallOptions) {
			m.handle(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
		}, "redirected more than ten times"},
		{"no server", func(m *mirror, _ *InstallOptions) { m.Close() }, "connection refused"},
		{"no archive", serve([]byte("<html>log in first</html>")), "it is no ZIP file"},
		{"other checksum than asked for", func(_ *mirror, o *InstallOptions) { o.SHA256 = strings.Repeat("0", 64) }, "not " + strings.Repeat("0", 64) + " as asked for"},
		{"unpacks to too much", func(_ *mirror, o *InstallOptions) { o.MaxUnpacked = 1 << 20 }, "it unpacks to more than the limit"},
		{"too many entries", serve(zipOf(t, many...)), "it has 10001 entries, the limit is 10000"},
		{"leads up", serve(zipOf(t, entry{dir + "../../evil", "x", 0o644})), `is not below ` + archiveFolder()},
		{"absolute", serve(zipOf(t, entry{"/tmp/evil", "x", 0o644})), `entry "/tmp/evil" is not below`},
		{"backslashes", serve(zipOf(t, entry{dir + `..\evil`, "x", 0o644})), "is not below"},
		{"beside the folder", serve(zipOf(t, entry{archiveFolder() + "2/x", "x", 0o644})), "is not below"},
		{"symbolic link", serve(zipOf(t, entry{dir + "link", "/etc/passwd", fs.ModeSymlink | 0o777})), "is neither a file nor a folder"},
		{"device", serve(zipOf(t, entry{dir + "null", "", fs.ModeDevice | 0o666})), "is neither a file nor a folder"},
		{"the same name twice", serve(zipOf(t, entry{dir + "a", "1", 0o644}, entry{dir + "a", "2", 0o644})), "file exists"},
		{"damaged content", serve(bytes.Replace(good, []byte{'P', 'K', 3, 4}, []byte{'P', 'K', 3, 5}, -1)), "the archive is refused"},
		{"no Chrome in it", serve(zipOf(t, entry{dir + "README", "x", 0o644})), "the downloaded Chrome does not exist"},
		{"another version in it", serve(chromeArchive(t, "155.0.0.1")), "the archive for Chrome " + testVersion + " holds Chrome 155.0.0.1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newMirror(t, good)
			o := bareMachine(t, m)
			c.setup(m, &o)
			_, err := Install(t.Context(), o)
			require.ErrorContains(t, err, "install Chrome from Chrome for Testing: ")
			require.ErrorContains(t, err, c.want)
			require.Empty(t, cacheEntries(t, o), "a failure leaves nothing")
			require.NoFileExists(t, filepath.Join(o.Root, "evil"))
		})
	}
}

func TestInstallRefusesImpossibleOptions(t *testing.T) {
	for want, o := range map[string]InstallOptions{
		`install Chrome from "snap": there are only "apt" and "cft"`: {From: "snap"},
		`install Chrome 1.2.3.4 with apt-get: apt-get takes`:         {From: FromAPT, Version: "1.2.3.4"},
		`install Chrome "../x": a version looks like 1`:              {Version: "../x"},
		`the checksum "abc" is no SHA-256`:                           {SHA256: "abc"},
	} {
		_, err := Install(t.Context(), o)
		require.ErrorContains(t, err, want)
	}
}

func TestInstallGoesThroughTheProxy(t *testing.T) {
	m := newMirror(t, nil)
	archive := chromeArchive(t, testVersion)
	m.handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host == "chrome.invalid" { // only a proxy is asked for a whole URL
			_, _ = w.Write(archive)
		}
	})
	o := bareMachine(t, m)
	o.BaseURL = "http://chrome.invalid"
	o.Getenv = func(k string) string { return map[string]string{"http_proxy": m.URL}[k] }
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.EqualValues(t, 1, m.asked.Load())
}

// A slow download is no stalled one.
func TestDownloadMayBeSlow(t *testing.T) {
	m := newMirror(t, nil)
	m.handle(func(w http.ResponseWriter, r *http.Request) {
		pace := time.NewTicker(300 * time.Millisecond)
		defer pace.Stop()
		for range 5 {
			<-pace.C
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
		}
	})
	o, err := bareMachine(t, m).withDefaults()
	require.NoError(t, err)
	o.StallTimeout = time.Second
	sum, err := o.download(t.Context(), m.URL, filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	require.Equal(t, sumOf([]byte("xxxxx")), sum)
}

func TestDownloadStaysOnTLS(t *testing.T) {
	request := func(address string) *http.Request {
		u, err := url.Parse(address)
		require.NoError(t, err)
		return &http.Request{URL: u}
	}
	secure, plain := request("https://a/x"), request("http://a/x")
	require.EqualError(t, checkRedirect(plain, []*http.Request{secure}), "redirected from https to http")
	require.NoError(t, checkRedirect(secure, []*http.Request{secure}))
	require.NoError(t, checkRedirect(plain, []*http.Request{plain}))
	require.NoError(t, checkRedirect(secure, []*http.Request{plain}))
}

// An installation that was killed left its folder; the next one removes it.
func TestInstallSweepsWhatAKilledOneLeft(t *testing.T) {
	m := newMirror(t, chromeArchive(t, testVersion))
	o := bareMachine(t, m)
	put(t, filepath.Join(o.CacheDir, ".install-123/archive.zip"), "half", 0o600)
	put(t, filepath.Join(o.CacheDir, testVersion, "half"), "", 0o600)
	_, err := Install(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, []string{testVersion, "SHA256SUMS"}, cacheEntries(t, o))
	require.NoFileExists(t, filepath.Join(o.CacheDir, testVersion, "half"))
}

func TestInstallWaitsForAnotherOnlySoLong(t *testing.T) {
	m := newMirror(t, chromeArchive(t, testVersion))
	o := bareMachine(t, m)
	require.NoError(t, makeOpenDir(o.CacheDir))
	unlock, err := lockCache(t.Context(), o.CacheDir)
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("enough"))
	_, err = installTesting(ctx, o)
	require.ErrorContains(t, err, "wait for another installation into "+o.CacheDir+": enough")
	require.Zero(t, m.asked.Load())
	unlock()
	_, err = Install(t.Context(), o)
	require.NoError(t, err)
}

func TestInstallNeedsAFolder(t *testing.T) {
	m := newMirror(t, nil)
	o := bareMachine(t, m)
	o.CacheDir = ""
	_, err := Install(t.Context(), o)
	require.ErrorContains(t, err, "there is no cache folder")
	o.CacheDir = put(t, filepath.Join(o.Root, "file"), "", 0o644)
	_, err = Install(t.Context(), o)
	require.ErrorContains(t, err, "is no folder")
	require.Zero(t, m.asked.Load())
}
