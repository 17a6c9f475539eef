package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ebbworker/ebb/sites/hostile"
	"github.com/ebbworker/ebb/worker/store"
)

// phases are those of a worker, and what it says when it enters one.
var phases = []struct{ name, says string }{
	{"launch", ""}, {"scrape", `"phase":"scrape"`}, {"cleanup", `"phase":"cleanup"`}, {"settle", `"phase":"settle"`}, {"idle", `"phase":"idle"`},
}

// processFaults befall the whole worker.
func processFaults() []Fault {
	var list []Fault
	for _, phase := range phases {
		list = append(list,
			Fault{
				Name: "sigterm-" + phase.name, Does: "Sends SIGTERM to the worker in the phase " + phase.name + ".",
				Holds: "it ends with 0 and leaves nothing; the next one goes on", run: ended(phase.says, syscall.SIGTERM),
			},
			Fault{
				Name: "kill-9-" + phase.name, Does: "Kills the worker in the phase " + phase.name + ".",
				Holds: "the next one removes what is left, and goes on", run: ended(phase.says, syscall.SIGKILL),
			})
	}
	return append(list, Fault{
		Name: "pid-1", Does: "Launches and kills Chrome many times in a process with pid 1 and no init.",
		Holds: "0 zombies, 0 orphans, 0 temporary entries, a stranger's Chrome untouched", needs: []need{root, tool("unshare")}, run: asInit,
	})
}

// ended ends a worker with a signal in a phase, and lets another one complete the work.
func ended(says string, sig syscall.Signal) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		if err := s.siteFolder(`schedule: "@every 1s"`); err != nil {
			return err
		}
		c, err := s.start(ctx, "run")
		if err != nil {
			return err
		}
		if says == "" {
			err = s.awaitChrome(ctx, c)
		} else {
			err = c.await(ctx, says)
		}
		if err != nil {
			return errors.Join(err, c.signal(syscall.SIGKILL))
		}
		s.hurts()
		if err := c.signal(sig); err != nil {
			return err
		}
		code := c.wait(ctx)
		s.mu.Lock()
		s.known = time.Since(s.hurt)
		s.mu.Unlock()
		if sig == syscall.SIGTERM {
			if code != 0 {
				return fmt.Errorf("it ended with %d: %s", code, c.last())
			}
			if err := s.holdsNothingLeft(ctx); err != nil {
				return err
			}
		}
		return s.next(ctx)
	}
}

// awaitChrome waits until a worker has begun to start its Chrome.
func (s *scene) awaitChrome(ctx context.Context, c *child) error {
	for len(s.processes("--user-data-dir")) == 0 {
		select {
		case <-c.ended:
			return fmt.Errorf("it started no Chrome: %s", c.last())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// next starts another worker, which completes what there is, and checks the database.
func (s *scene) next(ctx context.Context) error {
	c, err := s.start(ctx, "run", "--cycles", "1")
	if err != nil {
		return err
	}
	if code := c.wait(ctx); code != 0 {
		return fmt.Errorf("the next worker ended with %d: %s", code, c.last())
	}
	s.mu.Lock()
	s.recovered = time.Since(s.hurt)
	s.mu.Unlock()
	db, err := store.Open(ctx, s.database)
	if err != nil {
		return err
	}
	p, _ := hostile.Find("waiting")
	err = s.holdsItems(ctx, db, p.Names())
	runs, listErr := db.Runs(ctx, store.RunFilter{})
	err = errors.Join(err, listErr)
	done := 0
	for _, run := range runs {
		switch {
		case run.State == store.RunDone:
			done++
			err = errors.Join(err, holdsOnce(ctx, db, run))
			if taken := run.Items.New + run.Items.Changed + run.Items.Same; taken != len(p.Names()) {
				err = errors.Join(err, fmt.Errorf("run %d took %d items", run.ID, taken))
			}
		case run.State == store.RunPlanned, run.State == store.RunSkipped: // came due after the last
		default:
			err = errors.Join(err, fmt.Errorf("run %d is %s: %s", run.ID, run.State, run.Error))
		}
	}
	if done == 0 {
		err = errors.Join(err, errors.New("no run is done"))
	}
	return errors.Join(err, db.Close())
}

// AsInit is what a program that has pid 1 says after it has launched and killed Chrome many times.
type AsInit struct {
	PID      int  `json:"pid"`
	Cycles   int  `json:"cycles"`
	Zombies  int  `json:"zombies"`
	Orphans  int  `json:"orphans"`
	Entries  int  `json:"entries"`
	Stranger bool `json:"stranger"`
	// Left are the processes that are left, as the kernel tells of them.
	Left []string `json:"left,omitempty"`
}

// asInit runs ebb in a PID namespace of its own.
func asInit(ctx context.Context, s *scene) error {
	words := append([]string{"--pid", "--fork", "--mount-proc", "--kill-child"}, s.command()...)
	c, err := s.startProgram(ctx, "unshare", append(words, "selftest", "--as-init", strconv.Itoa(s.options.Cycles))...)
	if err != nil {
		return err
	}
	if code := c.wait(ctx); code != 0 {
		return fmt.Errorf("it ended with %d: %s", code, c.last())
	}
	var seen AsInit
	if err := json.Unmarshal([]byte(c.output()), &seen); err != nil {
		return fmt.Errorf("read what it says: %w", err)
	}
	s.note("%d cycles: %d zombies, %d orphans, %d entries", seen.Cycles, seen.Zombies, seen.Orphans, seen.Entries)
	switch {
	case seen.PID != 1:
		return fmt.Errorf("its pid is %d", seen.PID)
	case seen.Cycles != s.options.Cycles, seen.Zombies > 0, seen.Orphans > 0, seen.Entries > 0:
		return fmt.Errorf("left are %d zombies, %d orphans, %d temporary entries: %s", seen.Zombies, seen.Orphans, seen.Entries, strings.Join(seen.Left, ", "))
	case !seen.Stranger:
		return errors.New("the stranger's Chrome is gone")
	}
	return nil
}

// tempEntries is the number of entries in the temporary folder.
func tempEntries() (int, error) {
	entries, err := os.ReadDir(filepath.Clean(os.TempDir()))
	return len(entries), err
}
