package browser

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeChrome is a small ELF program that says a version; see testdata/fakechrome.
var fakeChrome = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "ebb-fakechrome-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "fakechrome")
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./testdata/fakechrome")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return nil, errors.New(string(said))
	}
	return os.ReadFile(out)
})

// putChrome puts a fake Chrome at path; says is what it prints, "" for Chromium 156.0.1.2.
func putChrome(t *testing.T, path, says string) string {
	t.Helper()
	elf, err := fakeChrome()
	require.NoError(t, err)
	put(t, path, string(elf), 0o755)
	if says != "" {
		put(t, path+".says", says, 0o644)
	}
	return path
}

func put(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

// emptyMachine has no Chrome at all: its environment is env, its root a temporary folder.
func emptyMachine(t *testing.T, env map[string]string) FindOptions {
	t.Helper()
	root := realTempDir(t)
	return FindOptions{
		Getenv:   func(k string) string { return env[k] },
		CacheDir: filepath.Join(root, "cache"),
		Root:     root,
	}
}

// realTempDir is a temporary folder's path without symbolic links.
func realTempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	return dir
}

func TestFindTakesPlacesInOrder(t *testing.T) {
	env := map[string]string{}
	o := emptyMachine(t, env)
	bin := filepath.Join(o.Root, "bin")
	env["PATH"] = "relative:" + bin

	_, err := Find(o)
	require.ErrorIs(t, err, ErrNotFound)

	// From the last place to the first: each newcomer is preferred to those before.
	steps := []struct {
		source, path string
		enable       func(path string)
	}{
		{"PATH", filepath.Join(bin, "google-chrome"), nil},
		{"known path", filepath.Join(o.Root, "opt/google/chrome/chrome"), nil},
		{"known path", filepath.Join(o.Root, "usr/lib/chromium/chromium-headless-shell"), nil},
		{"cache", cachedExecutable(o.CacheDir, "99.0.0.9"), nil},
		{"cache", cachedExecutable(o.CacheDir, "156.0.10.1"), nil},
		{"CHROME_BIN", filepath.Join(o.Root, "a/chrome"), func(p string) { env["CHROME_BIN"] = p }},
		{"CHROME_PATH", filepath.Join(o.Root, "b/chrome"), func(p string) { env["CHROME_PATH"] = p }},
		{"EBB_BROWSER_PATH", filepath.Join(o.Root, "c/chrome"), func(p string) { env["EBB_BROWSER_PATH"] = p }},
		{"flag", filepath.Join(o.Root, "d/headless_shell"), func(p string) { o.Path = p }},
	}
	for i, s := range steps {
		putChrome(t, s.path, "Google Chrome for Testing 156.0.1."+strconv.Itoa(i)+" \n")
		if s.enable != nil {
			s.enable(s.path)
		}
		exe, err := Find(o)
		require.NoError(t, err)
		headless := strings.Contains(filepath.Base(s.path), "headless")
		require.Equal(t, Executable{Path: s.path, Source: s.source, Version: "156.0.1." + strconv.Itoa(i), Headless: headless}, exe)
	}
}

func TestFindByName(t *testing.T) {
	env := map[string]string{"CHROME_BIN": "my-chrome"}
	o := emptyMachine(t, env)
	path := putChrome(t, filepath.Join(o.Root, "bin/my-chrome"), "")
	_, err := Find(o)
	require.ErrorContains(t, err, "the browser named by CHROME_BIN: my-chrome is not in PATH")
	env["PATH"] = filepath.Dir(path)
	exe, err := Find(o)
	require.NoError(t, err)
	require.Equal(t, path, exe.Path)

	o.Path, o.PathSource = "chrome-of-ours", "ebb.yaml"
	_, err = Find(o)
	require.ErrorContains(t, err, "the browser named by ebb.yaml: chrome-of-ours is not in PATH")
}

// A name that the user gave is never passed over, even where another Chrome would do.
func TestFindRefusesWhatWasNamedWrongly(t *testing.T) {
	elf, err := fakeChrome()
	require.NoError(t, err)
	patched := func(offset int, value uint16) string {
		b := bytes.Clone(elf)
		binary.LittleEndian.PutUint16(b[offset:], value)
		return string(b)
	}
	cases := []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"missing", func(*testing.T, string) {}, "does not exist"},
		{"folder", func(t *testing.T, p string) { require.NoError(t, os.Mkdir(p, 0o755)) }, "is a folder; give the path of the executable in it"},
		{"not executable", func(t *testing.T, p string) { put(t, p, string(elf), 0o644) }, "is not executable; run `chmod +x"},
		{"empty", func(t *testing.T, p string) { put(t, p, "", 0o755) }, "is empty"},
		{"text", func(t *testing.T, p string) { put(t, p, "hello", 0o755) }, "neither an ELF file nor a script"},
		{"damaged", func(t *testing.T, p string) { put(t, p, "\x7fELF and no more", 0o755) }, "is a damaged ELF file"},
		{"other processor", func(t *testing.T, p string) { put(t, p, patched(18, 8), 0o755) }, "is built for another processor (EM_MIPS"},
		{"object file", func(t *testing.T, p string) { put(t, p, patched(16, 1), 0o755) }, "is an ELF file but no program (ET_REL)"},
		{"unknown script", func(t *testing.T, p string) { put(t, p, "#!/bin/sh\nexec /bin/true \"$@\"\n", 0o755) }, "is a script (#!/bin/sh) and what it starts was not recognised"},
		{"script of a snap", func(t *testing.T, p string) { put(t, p, "#!/bin/sh\nexec /snap/bin/chromium \"$@\"\n", 0o755) }, "starts a snap or a flatpak"},
		{"script of a flatpak", func(t *testing.T, p string) {
			put(t, p, "#!/bin/sh\nexec /usr/bin/flatpak run org.chromium.Chromium \"$@\"\n", 0o755)
		}, "starts a snap or a flatpak"},
		{"snap", func(t *testing.T, p string) {
			require.NoError(t, os.Symlink(putChrome(t, filepath.Join(filepath.Dir(p), "x/snap"), ""), p))
		}, "is a snap"},
		{"script of itself", func(t *testing.T, p string) {
			other := p + "-chrome"
			put(t, p, "#!/bin/sh\nexec "+other+" \"$@\"\n", 0o755)
			put(t, other, "#!/bin/sh\nexec "+p+"-chromium \"$@\"\n", 0o755)
			require.NoError(t, os.Symlink(p, p+"-chromium"))
		}, "more than four times"},
		{"another program", func(t *testing.T, p string) { putChrome(t, p, "Mozilla Firefox 140.0.1.2\nmore\n") }, `is no Chrome: --version says "Mozilla Firefox 140.0.1.2"`},
		{"failing program", func(t *testing.T, p string) { putChrome(t, p, "fail cannot open display") }, "did not say its version: exit status 127: cannot open display"},
		{"endless link", func(t *testing.T, p string) { require.NoError(t, os.Symlink(p, p)) }, "too many links"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := emptyMachine(t, nil)
			putChrome(t, filepath.Join(o.Root, "usr/lib/chromium/chromium"), "")
			o.Path = filepath.Join(o.Root, "named")
			c.make(t, o.Path)
			_, err := Find(o)
			require.ErrorContains(t, err, "the browser named by flag: "+o.Path+" ")
			require.ErrorContains(t, err, c.want)
			require.NotErrorIs(t, err, ErrNotFound)
		})
	}
}

// A Chrome that nobody named and that does not work is passed over, with its reason kept.
func TestFindPassesOverBrokenOnes(t *testing.T) {
	o := emptyMachine(t, nil)
	putChrome(t, cachedExecutable(o.CacheDir, "157.0.0.0"), "fail boom")
	put(t, filepath.Join(o.CacheDir, ".install-1/half"), "", 0o644)
	put(t, filepath.Join(o.CacheDir, "158/chrome"), "", 0o755)
	put(t, filepath.Join(o.Root, "usr/lib/chromium/chromium"), "junk", 0o755)

	_, err := Find(o)
	require.ErrorIs(t, err, ErrNotFound)
	var none *NotFoundError
	require.ErrorAs(t, err, &none)
	require.Len(t, none.Looked, 3)
	require.Equal(t, Looked{cachedExecutable(o.CacheDir, "157.0.0.0"), "did not say its version: exit status 127: boom"}, none.Looked[0])
	require.Equal(t, filepath.Join(o.Root, "usr/lib/chromium/chromium"), none.Looked[1].Where)
	require.Equal(t, "PATH", none.Looked[2].Where)
	require.ErrorContains(t, err, "run `ebb browser install`")

	older := putChrome(t, cachedExecutable(o.CacheDir, "99.0.0.0"), "")
	exe, err := Find(o)
	require.NoError(t, err)
	require.Equal(t, older, exe.Path)
}

// Killing a wrapper leaves Chrome running, so wrappers are followed to the program.
func TestFindFollowsWrappers(t *testing.T) {
	cases := []struct{ name, target, script string }{
		{
			"Debian's headless shell, which does not exec", "lib/chromium/chromium-headless-shell",
			"#!/bin/sh -e\n\nROOT/lib/chromium/chromium-headless-shell \"$@\"\n",
		},
		{"Debian's chromium, with variables and a debugger", "lib/chromium/chromium", `#!/bin/sh
APPNAME=chromium
GDB=/usr/bin/gdb
LIBDIR=ROOT/lib/$APPNAME
CHROMIUM_FLAGS=""
usage () { echo "$APPNAME [options]"; }
export CHROME_WRAPPER="ROOT/bin/$APPNAME"
# exec ROOT/lib/chromium/old-chromium "$@"
test -x ROOT/lib/chromium/chrome-sandbox
if [ $want_debug -eq 1 ] ; then
  $GDB "$LIBDIR/$APPNAME" -x $tmpfile
else
  exec $LIBDIR/$APPNAME $CHROMIUM_FLAGS "$@"
fi
`},
		{"Google's, which finds its own folder", "bin/chrome", `#!/bin/bash
export CHROME_WRAPPER="$(readlink -f "$0")"
HERE="$(dirname "$CHROME_WRAPPER")"
export LD_LIBRARY_PATH="$HERE:$HERE/lib:$LD_LIBRARY_PATH"
exec -a "$0" "$HERE/chrome" "$@"
`},
		{
			"a wrapper with a quoted path and flags", "lib/unwrapped/chromium",
			"#!/bin/bash -e\nexport PATH='x'\nexec -a \"$0\" \"ROOT/lib/unwrapped/chromium\"  --ozone \"$@\"\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := emptyMachine(t, nil)
			target := putChrome(t, filepath.Join(o.Root, c.target), "")
			putChrome(t, filepath.Join(o.Root, "lib/chromium/chrome-sandbox"), "")
			putChrome(t, filepath.Join(o.Root, "lib/chromium/old-chromium"), "")
			script := put(t, filepath.Join(o.Root, "bin/wrapper"), strings.ReplaceAll(c.script, "ROOT", o.Root), 0o755)
			o.Path = filepath.Join(o.Root, "bin/link")
			require.NoError(t, os.Symlink(script, o.Path))
			exe, err := Find(o)
			require.NoError(t, err)
			require.Equal(t, target, exe.Path)
			require.Equal(t, o.Path, exe.Wrapper)
		})
	}
}

// A Chrome that does not answer costs the limit and no more, and its children go with it.
func TestFindBoundsTheVersion(t *testing.T) {
	o := emptyMachine(t, nil)
	pidFile := filepath.Join(o.Root, "pid")
	o.Path = putChrome(t, filepath.Join(o.Root, "chrome"), "hang "+pidFile)
	o.VersionTimeout = 2 * time.Second
	_, err := Find(o)
	require.ErrorContains(t, err, "did not say its version: no answer within 2s")
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(string(text))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		s, err := readStat(pid)
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || s.state == 'Z'
	}, 10*time.Second, 10*time.Millisecond)
}

func TestMissingLibrariesNameTheirPackages(t *testing.T) {
	err := &missingLibrariesError{[]string{"libnspr4.so", "libnss3.so", "libsmime3.so", "libstrange.so.7"}}
	require.EqualError(t, err, "lacks shared libraries: libnspr4.so, libnss3.so, libsmime3.so, libstrange.so.7; "+
		"on Debian and Ubuntu run `apt-get install -y libnspr4 libnss3`")
	found := missingLibrary.FindAllStringSubmatch("\tlinux-vdso.so.1 (0x00007ffd)\n\tlibnss3.so => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\tlibgbm.so.1 => not found\n", -1)
	require.Len(t, found, 2)
	require.Equal(t, "libnss3.so", found[0][1])
	require.Equal(t, "libgbm.so.1", found[1][1])
}

func TestCompareVersions(t *testing.T) {
	ordered := []string{"junk", "9.0.0.0", "99.0.0.9", "156.0.8078.9", "156.0.8078.79", "156.1.0.0"}
	for i := range ordered {
		for j := range ordered {
			got := compareVersions(ordered[i], ordered[j])
			require.Equal(t, i < j, got < 0, "%s %s", ordered[i], ordered[j])
			require.Equal(t, i == j, got == 0, "%s %s", ordered[i], ordered[j])
		}
	}
}

func TestDefaultCacheDir(t *testing.T) {
	env := map[string]string{}
	getenv := func(k string) string { return env[k] }
	_, err := userCacheDir(getenv)
	require.ErrorContains(t, err, "neither XDG_CACHE_HOME nor HOME is set")
	for _, step := range []struct{ key, value, want string }{
		{"HOME", "/home/a", "/home/a/.cache/ebb/browsers"},
		{"XDG_CACHE_HOME", "not/absolute", "/home/a/.cache/ebb/browsers"},
		{"XDG_CACHE_HOME", "/x", "/x/ebb/browsers"},
		{"CACHE_DIRECTORY", "/var/cache/ebb:/other", "/var/cache/ebb/browsers"},
	} {
		env[step.key] = step.value
		dir, err := userCacheDir(getenv)
		require.NoError(t, err)
		require.Equal(t, step.want, dir)
	}
}

// The loader says which libraries a program lacks: all of them, not only the first.
func TestFindNamesMissingLibraries(t *testing.T) {
	program, err := os.ReadFile("/bin/ls") // links to libselinux and libc
	require.NoError(t, err)
	program = bytes.ReplaceAll(program, []byte("libselinux.so.1\x00"), []byte("libselinuq.so.1\x00"))
	program = bytes.ReplaceAll(program, []byte("libc.so.6\x00"), []byte("libq.so.6\x00"))
	o := emptyMachine(t, nil)
	o.Path = put(t, filepath.Join(o.Root, "chrome"), string(program), 0o755)
	_, err = Find(o)
	require.ErrorContains(t, err, "lacks shared libraries: libq.so.6, libselinuq.so.1")
}

// The machine that the tests run on has a Chrome, and Find finds its ELF.
func TestFindTheRealChrome(t *testing.T) {
	exe, err := Find(FindOptions{})
	require.NoError(t, err)
	require.NoError(t, checkELF(exe.Path))
	require.Len(t, versionNumbers(exe.Version), 4)
	real, err := filepath.EvalSymlinks(exe.Path)
	require.NoError(t, err)
	require.Equal(t, real, exe.Path)
}
