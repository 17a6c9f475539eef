package browser

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const policyText = `chromium-headless-shell:
  Installed: (none)
  Candidate: 156.0.8078.79-1~deb12u1
  Version table:
     156.0.8078.79-1~deb12u1 500
        500 http://deb.example.org/debian-security bookworm-security/main amd64 Packages
chromium:
  Installed: (none)
  Candidate: (none)
  Version table:
chromium-browser:
  Installed: 2:1snap1-0ubuntu2
  Candidate: 2:1snap1-0ubuntu2
`

func TestParsePolicy(t *testing.T) {
	require.Equal(t, map[string]string{
		"chromium-headless-shell": "156.0.8078.79-1~deb12u1",
		"chromium-browser":        "2:1snap1-0ubuntu2",
	}, parsePolicy(policyText))
	require.Empty(t, parsePolicy(""))
}

// aptMachine has an apt-get and an apt-cache that are scripts. They note their arguments
// in the file log.
type aptMachine struct {
	InstallOptions
	log string
}

func newAptMachine(t *testing.T, m *mirror, policy, update, install string) aptMachine {
	t.Helper()
	o := bareMachine(t, m)
	o.From, o.Version = "", ""
	o.euid = func() int { return 0 }
	bin := filepath.Join(o.Root, "bin")
	a := aptMachine{o, filepath.Join(o.Root, "log")}
	put(t, filepath.Join(o.Root, "policy"), policy, 0o644)
	put(t, filepath.Join(bin, "apt-cache"), "#!/bin/sh\necho apt-cache \"$@\" >> "+a.log+"\nexec cat "+o.Root+"/policy\n", 0o755)
	put(t, filepath.Join(bin, "apt-get"), `#!/bin/sh
echo apt-get $DEBIAN_FRONTEND $LC_ALL "$@" >> `+a.log+`
case "$*" in
*update*) `+update+` ;;
*install*) `+install+` ;;
esac
`, 0o755)
	a.Getenv = func(k string) string { return map[string]string{"PATH": bin}[k] }
	return a
}

func (a aptMachine) lines(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(a.log)
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// unpacks is what an apt-get does that installs a Chrome below root.
func unpacks(t *testing.T, a *aptMachine) string {
	t.Helper()
	from := putChrome(t, filepath.Join(a.Root, "deb/chromium-headless-shell"), "Chromium 156.0.8078.79 built on Debian\n")
	to := filepath.Join(a.Root, "usr/lib/chromium")
	return "mkdir -p " + to + " && cp " + from + " " + from + ".says " + to
}

// withInstall puts the install step in once the machine's folder is known.
func (a aptMachine) withInstall(t *testing.T, step string) aptMachine {
	t.Helper()
	path := filepath.Join(a.Root, "bin/apt-get")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	put(t, path, strings.Replace(string(b), "INSTALL", step, 1), 0o755)
	return a
}

func TestInstallPackages(t *testing.T) {
	m := newMirror(t, nil)
	a := newAptMachine(t, m, policyText, "echo lists are old", "echo unpacking; INSTALL")
	a = a.withInstall(t, unpacks(t, &a))
	var out bytes.Buffer
	a.Output = &out
	exe, err := Install(t.Context(), a.InstallOptions)
	require.NoError(t, err)
	require.Equal(t, Executable{
		Path:    filepath.Join(a.Root, "usr/lib/chromium/chromium-headless-shell"),
		Version: "156.0.8078.79", Headless: true, Source: "known path",
	}, exe)
	options := "noninteractive C -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "
	require.Equal(t, []string{
		"apt-get " + options + "update",
		"apt-cache policy chromium-headless-shell chromium",
		"apt-get " + options + "install --no-install-recommends chromium-headless-shell fonts-liberation",
	}, a.lines(t))
	require.Equal(t, "lists are old\nunpacking\n", out.String())
	require.Zero(t, m.asked.Load())

	_, err = Install(t.Context(), a.InstallOptions)
	require.NoError(t, err)
	require.Len(t, a.lines(t), 3, "what is there is not installed again")
}

// Lists that cannot be renewed do not matter while they hold what is wanted.
func TestInstallPackagesWithOldLists(t *testing.T) {
	a := newAptMachine(t, newMirror(t, nil), policyText, "exit 100", "INSTALL")
	a = a.withInstall(t, unpacks(t, &a))
	_, err := Install(t.Context(), a.InstallOptions)
	require.NoError(t, err)
}

func TestInstallPackagesFails(t *testing.T) {
	none := strings.ReplaceAll(policyText, "156.0.8078.79-1~deb12u1", "(none)")
	snap := strings.Replace(none, "Candidate: (none)", "Candidate: 1:85.0-0ubuntu0.20.04.1snap", 1)
	for name, c := range map[string]struct {
		policy, update, install string
		want                    []string
	}{
		"no package":       {none, "", "", []string{"lists hold none of chromium-headless-shell, chromium"}},
		"a snap":           {snap, "", "", []string{"lists hold none of chromium-headless-shell, chromium"}},
		"no network":       {none, "echo E: no route; exit 100", "", []string{"lists hold none", "apt-get: exit status 100; it said: E: no route"}},
		"install fails":    {policyText, "", "seq 1 2000; echo E: disk full; exit 100", []string{"exit status 100; it said: ", "1999\n2000\nE: disk full"}},
		"nothing to start": {policyText, "", "", []string{"package chromium-headless-shell is installed, yet no usable Chrome was found"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAptMachine(t, newMirror(t, nil), c.policy, c.update, c.install)
			a.From = FromAPT
			_, err := Install(t.Context(), a.InstallOptions)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.Less(t, len(err.Error()), 4000, "only the last lines are quoted")
		})
	}
}

// If packages fail, Chrome for Testing is tried; if both fail, both say why.
func TestInstallTriesTheOtherWay(t *testing.T) {
	m := newMirror(t, chromeArchive(t, PinnedVersion))
	a := newAptMachine(t, m, policyText, "", "echo E: disk full; exit 100")
	exe, err := Install(t.Context(), a.InstallOptions)
	require.NoError(t, err)
	require.Equal(t, "cache", exe.Source)
	require.Equal(t, PinnedVersion, exe.Version)

	m = newMirror(t, []byte("junk"))
	a = newAptMachine(t, m, policyText, "", "echo E: disk full; exit 100")
	_, err = Install(t.Context(), a.InstallOptions)
	require.ErrorContains(t, err, "install Chrome from apt-get: apt-get: exit status 100; it said: E: disk full")
	require.ErrorContains(t, err, "install Chrome from Chrome for Testing: unpack ")
	require.ErrorContains(t, err, "EBB_BROWSER_PATH")
}

// Who is not root gets Chrome for Testing, and is told what an administrator would type.
func TestInstallWithoutRoot(t *testing.T) {
	m := newMirror(t, []byte("junk"))
	a := newAptMachine(t, m, policyText, "", "")
	a.euid = func() int { return 1000 }
	_, err := Install(t.Context(), a.InstallOptions)
	require.ErrorContains(t, err, "install Chrome from Chrome for Testing: ")
	require.ErrorContains(t, err, "sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium-headless-shell fonts-liberation")
	require.NoFileExists(t, a.log)

	a.From = FromAPT
	_, err = Install(t.Context(), a.InstallOptions)
	require.ErrorContains(t, err, "only root may install packages")

	a.Getenv = func(string) string { return "" }
	_, err = Install(t.Context(), a.InstallOptions)
	require.ErrorContains(t, err, "there is no apt-get on this system")
	require.ErrorContains(t, err, "EBB_BROWSER_PATH")
}

func TestInstallPackagesIsBounded(t *testing.T) {
	a := newAptMachine(t, newMirror(t, nil), policyText, "echo waiting for the lock; exec sleep 600", "")
	a.Timeout = 500 * time.Millisecond
	_, err := Install(t.Context(), a.InstallOptions)
	require.ErrorContains(t, err, "apt-get: not done within 500ms; it said: waiting for the lock")
	require.NotContains(t, err.Error(), "Chrome for Testing", "no time is left for the other way")
}
