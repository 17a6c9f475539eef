package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/worker/store"
)

// holdsItems checks that the store has the items that are wanted and no others, each once.
func (s *scene) holdsItems(ctx context.Context, db *store.Store, names []string) error {
	var got []string
	for item, err := range db.Items(ctx, store.ItemFilter{}) {
		if err != nil {
			return fmt.Errorf("read the items: %w", err)
		}
		var data struct{ Name string }
		if err := json.Unmarshal(item.Data, &data); err != nil {
			return fmt.Errorf("read item %s: %w", item.Key, err)
		}
		got = append(got, data.Name)
	}
	s.mu.Lock()
	s.items, s.wanted = len(got), len(names)
	s.mu.Unlock()
	want := slices.Clone(names)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the store has %d items: %s; wanted are %d", len(got), strings.Join(got, ", "), len(want))
	}
	return nil
}

// holdsOnce checks that no page of a run is there twice, and none waits any more.
func holdsOnce(ctx context.Context, db *store.Store, run store.Run) error {
	seen := map[string]bool{}
	for page, err := range db.Pages(ctx, run.ID) {
		if err != nil {
			return fmt.Errorf("read the pages of run %d: %w", run.ID, err)
		}
		if seen[page.URL] {
			return fmt.Errorf("page %s is there twice", page.URL)
		}
		seen[page.URL] = true
	}
	if run.Pages.Queued > 0 {
		return fmt.Errorf("%d pages of run %d still wait", run.Pages.Queued, run.ID)
	}
	return nil
}

// slotTimeout bounds how long it may take to lend every tab.
const slotTimeout = 30 * time.Second

// holdsSlots checks that every tab can be lent at once, and works.
func (s *scene) holdsSlots(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, slotTimeout, errors.New("not every tab can be lent"))
	defer cancel()
	var g errgroup.Group
	leases := make(chan *browser.Lease, sceneTabs)
	for range sceneTabs {
		g.Go(func() error {
			l, err := s.pool.Acquire(ctx, browser.LeaseOptions{Site: "slots", Run: "slots"})
			if err != nil {
				return err
			}
			leases <- l
			_, err = l.Evaluate(ctx, "1")
			return err
		})
	}
	err := g.Wait()
	close(leases)
	for l := range leases {
		err = errors.Join(err, l.Release(ctx, nil))
	}
	return errors.Join(err, s.pool.EndRun(ctx, "slots"))
}

// close ends everything and checks that nothing is left.
func (s *scene) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	err := s.web.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if s.pool != nil {
		err = errors.Join(err, s.pool.Close(ctx))
	}
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	err = errors.Join(err, s.holdsNothingLeft(ctx))
	for _, pid := range s.processes("--user-data-dir=" + s.folder) { // only what was said to be left just now
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// leftPatience is how long the last process may take to go.
const leftPatience = 10 * time.Second

// holdsNothingLeft checks that no process and no temporary file is left.
func (s *scene) holdsNothingLeft(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leftPatience)
	defer cancel()
	for {
		entries, err := os.ReadDir(s.temp())
		if err != nil {
			return fmt.Errorf("look for what is left: %w", err)
		}
		pids := s.processes("")
		if len(entries) == 0 && len(pids) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("left are %d processes and %d temporary entries", len(pids), len(entries))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// processes are the processes of the scene whose command line holds a text: those that name its folder,
// and those of their process groups, now or before.
func (s *scene) processes(text string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		group, err := syscall.Getpgid(pid)
		if err != nil || len(line) == 0 {
			continue // it has ended, but for whoever is to wait for it
		}
		if bytes.Contains(line, []byte("--user-data-dir="+s.folder+"/")) {
			s.groups[group] = true
		}
		switch {
		case bytes.Contains(line, []byte(s.folder+"/")) && bytes.Contains(line, []byte(text)):
			pids = append(pids, pid)
		case bytes.Contains(line, []byte(text)):
			groups[group] = append(groups[group], pid)
		}
	}
	for group := range s.groups {
		pids = append(pids, groups[group]...)
	}
	return pids
}
