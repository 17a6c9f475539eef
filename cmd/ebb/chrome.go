package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// findBrowser finds the Chrome of the configuration. Its error has exit code 4.
func (a *app) findBrowser(settings *Settings) (browser.Executable, error) {
	find := a.findOptions(settings)
	find.Remember = true // whoever starts it sees whether it runs
	exe, err := browser.Find(find)
	return exe, withCode(exitNoBrowser, err)
}

func (a *app) findOptions(settings *Settings) browser.FindOptions {
	return browser.FindOptions{
		Path: settings.Browser.Path, PathSource: settings.Origin("browser.path"), Getenv: a.getenv,
	}
}

// launchOptions start a Chrome as the configuration says.
func launchOptions(settings *Settings, exe browser.Executable) browser.LaunchOptions {
	return browser.LaunchOptions{
		Path: exe.Path, User: settings.Browser.User,
		NoSandbox: !settings.Browser.Sandbox, Flags: settings.Browser.Flags,
		UserAgent:    userAgent(settings.UserAgent, exe.Version),
		StartTimeout: settings.Timeouts.Start, CloseTimeout: settings.Timeouts.Close,
	}
}

// blockedByFlags are the kinds that all sites block and that Chrome's start flags can keep away.
func blockedByFlags(list []*sites.Site) []string {
	var agreed []string
	for _, kind := range sites.BlockedByAll(list) {
		agreed = append(agreed, string(kind))
	}
	return browser.FlagKinds(agreed)
}

// userAgent is the configured user agent, or else the one that names Ebb beside the
// Chrome it drives.
func userAgent(configured, chromeVersion string) string {
	if configured != "" {
		return configured
	}
	major, _, _ := strings.Cut(chromeVersion, ".")
	system := "X11; Linux x86_64"
	if runtime.GOARCH == "arm64" {
		system = "X11; Linux aarch64"
	}
	return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s.0.0.0 Safari/537.36 Ebb/%s (+https://github.com/ebbworker/ebb)",
		system, major, strings.TrimPrefix(versionName(), "v"))
}

// withPool runs work with one tab, for the pages of a site, in a Chrome of its own, which is
// closed whatever happens. An error that means that no Chrome can be had has exit code 4.
func (a *app) withPool(ctx context.Context, site *sites.Site, work func(*browser.Pool) error) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	exe, err := a.findBrowser(settings)
	if err != nil {
		return err
	}
	if !settings.Browser.Sandbox {
		fmt.Fprintln(a.stderr, "note: Chrome runs WITHOUT its sandbox, as browser.sandbox says: a hostile page can take over this account")
	}
	exits, err := newExits(settings.Egress, []*sites.Site{site})
	if err != nil {
		return err
	}
	if exits != nil {
		exits.run()
		defer func() { err = errors.Join(err, exits.close(zerolog.Nop())) }()
	} else {
		fmt.Fprintln(a.stderr, "note: egress.enabled is off: pages reach every address that this machine reaches, private networks included")
	}
	launch := launchOptions(settings, exe)
	launch.Block = blockedByFlags([]*sites.Site{site})
	exits.chrome(&launch)
	pool := browser.NewPool(browser.PoolOptions{Launch: launch, Tabs: 1})
	err = work(pool)
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.Timeouts.Close+poolGrace)
	defer cancel()
	if closeErr := pool.Close(closeCtx); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("close Chrome: %w", closeErr))
	}
	if errors.Is(err, browser.ErrStart) {
		return withCode(exitNoBrowser, err)
	}
	return err
}

// poolGrace is how long killing a Chrome and removing its files may take.
const poolGrace = 15 * time.Second
