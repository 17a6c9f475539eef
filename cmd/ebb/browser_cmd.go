package main

import (
	"context"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/cmd/ebb/output"
)

func newBrowserCommand(a *app) *cobra.Command {
	return group("browser", "Install Chrome, and examine the machine for it",
		newBrowserInstallCommand(a), newDoctorCommand(a))
}

const installLong = `Install a Chrome, unless there is a usable one: Debian's chromium-headless-shell with
apt-get for root on Debian and its kin, or else Chrome for Testing's
chrome-headless-shell into the user's cache. If the first way fails, the other is tried.

Path and version of the Chrome are printed; how it goes is told on standard error.
The exit code is 4 when there is none in the end.`

func newBrowserInstallCommand(a *app) *cobra.Command {
	var o browser.InstallOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Install a Chrome, unless there is one",
		Long:  installLong,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkInstall(o); err != nil {
				return err
			}
			ctx, stop := a.interruptible(cmd.Context())
			defer stop()
			return a.installBrowser(ctx, o)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.From, "from", "", "one `way` only: apt (the system's packages) or cft (Chrome for Testing)")
	flags.StringVar(&o.Version, "version", "", "this `version` of Chrome for Testing (default "+browser.PinnedVersion+")")
	flags.StringVar(&o.BaseURL, "base-url", "", "a mirror's `URL`, instead of Google's storage")
	flags.StringVar(&o.SHA256, "sha256", "", "`checksum` that the archive must have, in hexadecimal")
	flags.BoolVar(&o.Force, "force", false, "install even if there is a usable Chrome")
	return cmd
}

var (
	chromeVersion = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)
	checksum      = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// checkInstall says what is wrong with the flags.
func checkInstall(o browser.InstallOptions) error {
	testing := []struct {
		flag  string
		given bool
	}{{"--version", o.Version != ""}, {"--base-url", o.BaseURL != ""}, {"--sha256", o.SHA256 != ""}}
	switch {
	case o.From != "" && o.From != browser.FromAPT && o.From != browser.FromTesting:
		return usageErrorf("--from %q: there are %s and %s", o.From, browser.FromAPT, browser.FromTesting)
	case o.Version != "" && !chromeVersion.MatchString(o.Version):
		return usageErrorf("--version %q: a version looks like %s", o.Version, browser.PinnedVersion)
	case o.SHA256 != "" && !checksum.MatchString(o.SHA256):
		return usageErrorf("--sha256: a checksum has 64 hexadecimal digits")
	}
	for _, flag := range testing {
		if flag.given && o.From == browser.FromAPT {
			return usageErrorf("%s is for Chrome for Testing; take --from cft, or leave it out", flag.flag)
		}
	}
	return nil
}

// installBrowser installs a Chrome and prints what there is now.
func (a *app) installBrowser(ctx context.Context, o browser.InstallOptions) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	progress := &spoken{out: a.stderr}
	o.Output, o.Getenv = progress, a.getenv
	exe, err := browser.Install(ctx, o)
	if err != nil {
		return withCode(exitNoBrowser, err)
	}
	if !progress.spoke {
		fmt.Fprintf(a.stderr, "There is a usable Chrome already (from %s); --force installs all the same.\n", exe.Source)
	}
	if path := settings.Browser.Path; path != "" && path != exe.Path && path != exe.Wrapper {
		fmt.Fprintf(a.stderr, "note: browser.path (%s) names another one, which stays in use: %s\n",
			settings.Origin("browser.path"), output.CleanLine(path))
	}
	_, err = fmt.Fprintf(a.stdout, "%s %s\n", exe.Path, exe.Version)
	return err
}

// spoken is a writer that knows whether anything was written.
type spoken struct {
	out   io.Writer
	spoke bool
}

func (s *spoken) Write(text []byte) (int, error) {
	s.spoke = true
	return s.out.Write(text)
}
