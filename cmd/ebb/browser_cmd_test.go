package main

import (
	"archive/zip"
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// chromeStandIn is a program that says its version as Chrome does.
const chromeStandIn = `package main

import "fmt"

func main() { fmt.Println("Google Chrome for Testing ` + browser.PinnedVersion + `") }
`

// chromeZip is an archive of Chrome for Testing with the stand-in.
func chromeZip(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(source, []byte(chromeStandIn), 0o600))
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := build.CombinedOutput()
	require.NoError(t, err, string(said))
	data, err := os.ReadFile(program)
	require.NoError(t, err)

	platform := map[string]string{"amd64": "linux64", "arm64": "linux-arm64"}[runtime.GOARCH]
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: "chrome-headless-shell-" + platform + "/chrome-headless-shell", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return archive.Bytes()
}

// installApp is a command line whose Chrome, if the configuration names one, is path.
func installApp(path string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = &app{stdout: stdout, stderr: stderr, getenv: func(string) string { return "" }}
	a.loaded = &Settings{Config: Default(a.getenv), origins: map[string]origin{}}
	a.loaded.Browser.Path = path
	return a, stdout, stderr
}

func TestInstallSaysWhereChromeIs(t *testing.T) {
	archive := chromeZip(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(archive)
	}))
	defer server.Close()
	options := browser.InstallOptions{
		From: browser.FromTesting, BaseURL: server.URL, CacheDir: filepath.Join(t.TempDir(), "browsers"),
	}

	a, stdout, stderr := installApp("/opt/other/chrome")
	require.NoError(t, a.installBrowser(t.Context(), options))
	require.Regexp(t, `^/.*/chrome-headless-shell `+browser.PinnedVersion+"\n$", stdout.String())
	require.Contains(t, stderr.String(), "downloading "+server.URL)
	require.Contains(t, stderr.String(), "note: browser.path (default) names another one, which stays in use: /opt/other/chrome\n")
	first := stdout.String()

	a, stdout, stderr = installApp("")
	require.NoError(t, a.installBrowser(t.Context(), options))
	require.Equal(t, first, stdout.String())
	require.Equal(t, "There is a usable Chrome already (from cache); --force installs all the same.\n", stderr.String())
}

func TestInstallFails(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	a, stdout, stderr := installApp("")
	options := browser.InstallOptions{From: browser.FromTesting, BaseURL: server.URL, CacheDir: t.TempDir()}
	err := a.installBrowser(t.Context(), options)
	require.Equal(t, exitNoBrowser, a.exit(err))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "404")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a, _, _ = installApp("")
	require.Equal(t, exitNoBrowser, a.exit(a.installBrowser(ctx, options)))
}

func TestUserAgentNamesEbb(t *testing.T) {
	require.Equal(t, "Mine/1.0", userAgent("Mine/1.0", "156.0.8078.79"))
	require.Regexp(t, `^Mozilla/5\.0 \(X11; Linux .*\) .* Chrome/156\.0\.0\.0 Safari/537\.36 Ebb/[^ ]+ \(\+https://github\.com/ebbworker/ebb\)$`,
		userAgent("", "156.0.8078.79"))
}
