package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leave moves the process back home. On v2 the controllers must be off before.
func (c confiner) leave(g *cell) error {
	for len(g.enabled) > 0 && !c.shared(g) {
		if err := c.files.Write(c.path(g.home.dir, "cgroup.subtree_control"), "-"+g.enabled[0]); err != nil {
			return fmt.Errorf("turn off the %s controller: %w", g.enabled[0], err)
		}
		g.enabled = g.enabled[1:]
	}
	if !g.inside {
		return nil
	}
	if err := c.files.Write(c.path(g.home.dir, "cgroup.procs"), strconv.Itoa(c.pid)); err != nil {
		return fmt.Errorf("move back into the cgroup of before: %w", err)
	}
	g.inside = false
	return nil
}

// shared tells whether cgroups that came since below the uppermost one may need the controllers;
// there they need not be off.
func (c confiner) shared(g *cell) bool {
	root := c.fs()
	if !g.home.top(root) {
		return false
	}
	names, err := folders(root, g.home.dir)
	return err != nil || slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(g.siblings, name) })
}

// remove waits until the cell is empty and removes it.
func (c confiner) remove(ctx context.Context, g *cell) error {
	if g.inside {
		return nil // leave has told why
	}
	ticker := time.NewTicker(emptyInterval)
	defer ticker.Stop()
	for {
		err := c.files.Remove(c.path(g.dir()))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) {
			return fmt.Errorf("remove the cgroup: %w", err)
		}
		select {
		case <-ctx.Done():
			return c.notEmpty(g)
		case <-ticker.C:
		}
	}
}

// notEmpty names what is still in a cell.
func (c confiner) notEmpty(g *cell) error {
	pids, err := readPIDs(c.fs(), g.dir())
	if err != nil {
		return err
	}
	return fmt.Errorf("the cgroup /%s still holds %s: it is removed by the next confinement after they have ended", g.dir(), c.named(pids))
}

// removeLeft removes the empty cells of processes that have ended. That they are empty is the
// kernel's word: it removes no others. One with this process's number was another's, or is not
// empty.
func (c confiner) removeLeft(h home) {
	root := c.fs()
	names, err := folders(root, h.dir)
	if err != nil {
		return // making a cell will tell
	}
	for _, name := range names {
		pid, ok := ownerOf(name)
		if !ok {
			continue
		}
		if _, err := fs.Stat(root, "proc/"+strconv.Itoa(pid)); pid != c.pid && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_ = c.files.Remove(c.path(h.dir, name)) // it may be in use after all
	}
}

// ownerOf returns the process that made a cgroup of this name.
func ownerOf(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, "ebb-")
	if !ok {
		return 0, false
	}
	number, count, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, false
	}
	if _, err := strconv.Atoi(count); err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(number)
	return pid, err == nil && pid > 0
}
