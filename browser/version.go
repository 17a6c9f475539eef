package browser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// defaultVersionTimeout bounds a Chrome that is asked for its version.
	defaultVersionTimeout = 10 * time.Second
	// maxVersionOutput bounds what is kept of what it says, in bytes.
	maxVersionOutput = 16 << 10
)

var (
	chromeVersion  = regexp.MustCompile(`(?i)(?:chrom|headless)[^\n\d]*(\d+\.\d+\.\d+\.\d+)`)
	missingLibrary = regexp.MustCompile(`(?m)^\s*(\S+\.so\S*) => not found`)
)

// libraryPackages names the Debian package of a library that Chrome needs and that small
// systems lack.
var libraryPackages = map[string]string{
	"libnss3.so": "libnss3", "libnssutil3.so": "libnss3", "libsmime3.so": "libnss3", "libnspr4.so": "libnspr4",
	"libglib-2.0.so.0": "libglib2.0-0", "libgobject-2.0.so.0": "libglib2.0-0", "libgio-2.0.so.0": "libglib2.0-0",
	"libatk-1.0.so.0": "libatk1.0-0", "libatk-bridge-2.0.so.0": "libatk-bridge2.0-0", "libatspi.so.0": "libatspi2.0-0",
	"libdbus-1.so.3": "libdbus-1-3", "libexpat.so.1": "libexpat1", "libudev.so.1": "libudev1", "libgbm.so.1": "libgbm1",
	"libasound.so.2": "libasound2", "libcups.so.2": "libcups2", "libxkbcommon.so.0": "libxkbcommon0",
	"libX11.so.6": "libx11-6", "libxcb.so.1": "libxcb1", "libXcomposite.so.1": "libxcomposite1", "libXdamage.so.1": "libxdamage1",
	"libXext.so.6": "libxext6", "libXfixes.so.3": "libxfixes3", "libXrandr.so.2": "libxrandr2",
	"libcairo.so.2": "libcairo2", "libpango-1.0.so.0": "libpango-1.0-0", "libdrm.so.2": "libdrm2",
}

// readVersion asks a Chrome for its version. The process gets no input and its own process
// group, killed whole when the time is up.
func readVersion(ctx context.Context, path string, timeout time.Duration) (string, error) {
	out, err := runBriefly(ctx, timeout, nil, path, "--version")
	if err != nil {
		// 127 is the dynamic loader's: without it the program would only be run again.
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 127 {
			if libs := missingLibraries(ctx, path, timeout); len(libs) > 0 {
				return "", &missingLibrariesError{libs}
			}
		}
		return "", fmt.Errorf("did not say its version: %w", err)
	}
	m := chromeVersion.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("is no Chrome: --version says %q", firstLine(strings.TrimSpace(out), 80))
	}
	return m[1], nil
}

// missingLibrariesError says which shared libraries a Chrome needs and the system lacks.
type missingLibrariesError struct{ libs []string }

func (e *missingLibrariesError) Error() string {
	var packages []string
	for _, lib := range e.libs {
		if p := libraryPackages[lib]; p != "" && !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	text := "lacks shared libraries: " + strings.Join(e.libs, ", ")
	if len(packages) > 0 {
		text += "; on Debian and Ubuntu run `apt-get install -y " + strings.Join(packages, " ") + "`"
	}
	return text
}

// missingLibraries asks the dynamic loader, as ldd does; the program itself is not run.
func missingLibraries(ctx context.Context, path string, timeout time.Duration) []string {
	// The loader's exit code is the program's business: the text is what counts.
	out, _ := runBriefly(ctx, timeout, []string{"LD_TRACE_LOADED_OBJECTS=1"}, path)
	var libs []string
	for _, m := range missingLibrary.FindAllStringSubmatch(out, -1) {
		libs = append(libs, m[1])
	}
	sort.Strings(libs)
	return libs
}

// runBriefly runs a program that should end at once and returns what it printed. It is
// killed with its whole process group after timeout.
func runBriefly(ctx context.Context, timeout time.Duration, env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	out := &headWriter{limit: maxVersionOutput}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Dir = "/"
	cmd.Env = append(append(os.Environ(), "LC_ALL=C"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return out.String(), context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		if said := firstLine(strings.TrimSpace(out.String()), 300); said != "" {
			return out.String(), fmt.Errorf("%w: %s", err, said)
		}
		return out.String(), err
	}
	return out.String(), nil
}

// headWriter keeps the first limit bytes and discards the rest.
type headWriter struct {
	bytes.Buffer
	limit int
}

func (w *headWriter) Write(p []byte) (int, error) {
	if room := w.limit - w.Len(); room > 0 {
		w.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// versionNumbers splits 156.0.8078.79 into its numbers; nil for anything else.
func versionNumbers(version string) []int {
	parts := strings.Split(version, ".")
	if len(parts) != 4 {
		return nil
	}
	numbers := make([]int, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return nil
		}
		numbers[i] = n
	}
	return numbers
}

// compareVersions orders two versions by their numbers, and anything that is no version
// before every version.
func compareVersions(a, b string) int {
	x, y := versionNumbers(a), versionNumbers(b)
	if x == nil || y == nil {
		return len(x) - len(y)
	}
	for i := range x {
		if x[i] != y[i] {
			return x[i] - y[i]
		}
	}
	return 0
}
