package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ebbworker/ebb/browser"
)

const (
	// crashLimit is within which the death of a renderer is known to who waits for it.
	crashLimit = 250 * time.Millisecond
	// stopLimit is within which a Chrome that stands still is gone.
	stopLimit = 10 * time.Second
)

// chromeFaults befall Chrome itself while a page is open.
func chromeFaults() []Fault {
	return []Fault{
		{
			Name: "renderer-killed", Does: "Kills the renderers (SIGKILL) while pages are open.", Holds: "known within 250ms; the pages come in fresh tabs",
			run: hurting(func(s *scene) error { return s.kill("--type=renderer", syscall.SIGKILL) }, crashLimit),
		},
		{
			Name: "gpu-killed", Does: "Kills Chrome's GPU process.", Holds: "the pages come",
			run: hurting(func(s *scene) error { return s.kill("--type=gpu-process", syscall.SIGKILL) }, 0),
		},
		{
			Name: "network-killed", Does: "Kills Chrome's network process.", Holds: "the pages come",
			run: hurting(func(s *scene) error { return s.kill("network.mojom.NetworkService", syscall.SIGKILL) }, 0),
		},
		{
			Name: "browser-killed", Does: "Kills Chrome's main process.", Holds: "the run goes on in a new Chrome",
			run: hurting(func(s *scene) error { return s.signal(syscall.SIGKILL) }, time.Second),
		},
		{
			Name: "browser-stopped", Does: "Stops Chrome's main process (SIGSTOP).", Holds: "it is gone within 10s; the run goes on in a new Chrome",
			run: hurting(func(s *scene) error { return s.signal(syscall.SIGSTOP) }, stopLimit),
		},
		{Name: "browser-mute", Does: "Starts a Chrome that never answers, then a real one.", Holds: "the run is done in the second", run: firstStart("exec sleep 600")},
		{Name: "browser-exits", Does: "Starts a Chrome that ends at once, then a real one.", Holds: "the run is done in the second", run: firstStart("echo broken >&2; exit 7")},
	}
}

// hurting runs a site, and does something while its bad page is open in Chrome. limit is within which that
// must be known; 0 does not ask.
func hurting(do func(s *scene) error, limit time.Duration) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		site, p, err := s.site("waiting", "")
		if err != nil {
			return err
		}
		if err := s.open(ctx, s.options.Launch); err != nil {
			return err
		}
		done := make(chan error, 1)
		s.hostile.OnBegun("waiting", func() {
			s.hurts()
			done <- do(s)
		})
		run, err := s.work(ctx, site)
		if err != nil {
			return err
		}
		select {
		case err = <-done:
		default:
			err = errors.New("the page was never opened")
		}
		err = errors.Join(err, s.holdsItems(ctx, s.store, p.Names()), holdsOnce(ctx, s.store, run), s.holdsSlots(ctx))
		if limit > 0 {
			err = errors.Join(err, s.knownWithin(limit))
		}
		return err
	}
}

// kill sends a signal to the scene's processes whose command line holds a text.
func (s *scene) kill(text string, sig syscall.Signal) error {
	pids := s.processes(text)
	if len(pids) == 0 {
		return impossibleError("this Chrome has no process of its own for it")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal process %d: %w", pid, err)
		}
	}
	return nil
}

// signal sends a signal to the main process of the scene's Chrome.
func (s *scene) signal(sig syscall.Signal) error {
	for _, b := range s.pool.Browsers() {
		if err := syscall.Kill(b.PID(), sig); err != nil {
			return fmt.Errorf("signal Chrome: %w", err)
		}
	}
	return nil
}

// firstStart runs a site with a Chrome whose first start goes wrong in the way of a shell's command.
func firstStart(wrong string) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		site, p, err := s.site("waiting", "")
		if err != nil {
			return err
		}
		launch := s.options.Launch
		script := filepath.Join(s.home(), "headless-shell")
		text := fmt.Sprintf("#!/bin/sh\nif mkdir '%s/tried' 2>/dev/null; then %s; fi\nexec '%s' \"$@\"\n", s.temp(), wrong, launch.Path)
		if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
			return err
		}
		launch.Path, launch.StartTimeout, launch.CloseTimeout = script, 20*time.Second, time.Second
		if wrong != "" && wrong[:4] == "exec" {
			launch.StartTimeout = 5 * time.Second
		}
		if err := s.open(ctx, launch); err != nil {
			return err
		}
		s.hurts()
		run, err := s.work(ctx, site)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(s.temp(), "tried")); err != nil {
			return errors.New("the first start did not go wrong")
		}
		if err := os.Remove(filepath.Join(s.temp(), "tried")); err != nil {
			return err
		}
		return errors.Join(s.holdsItems(ctx, s.store, p.Names()), holdsOnce(ctx, s.store, run), s.holdsSlots(ctx))
	}
}

// through is launch with further flags of Chrome.
func through(launch browser.LaunchOptions, flags ...string) browser.LaunchOptions {
	launch.Flags = append(append([]string{}, launch.Flags...), flags...)
	return launch
}
