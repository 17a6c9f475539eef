package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ebbworker/ebb/sites/hostile"
	"github.com/ebbworker/ebb/worker/store"
)

// lockedFor is how long another process keeps the database.
const lockedFor = 3 * time.Second

// databaseFaults befall the database, and the disk.
func databaseFaults() []Fault {
	mounts := []need{root, tool("unshare"), tool("mount")}
	return []Fault{
		{Name: "database-locked", Does: fmt.Sprintf("Keeps the database locked for %s in the middle of a run.", lockedFor), Holds: "the run waits and is done", run: lockedDatabase},
		{Name: "database-corrupt", Does: "Overwrites pages of the database.", Holds: "the worker ends with a word on it, and starts nothing", run: corruptDatabase},
		{
			Name: "database-readonly", Does: "Runs on a database that cannot be written.", Holds: "the worker ends with a word on it", needs: mounts,
			run: mounted(`ebb runs list && mount -o remount,ro "$HOME" && ! ebb run --once 2>&1`, "cannot be", false),
		},
		{
			Name: "disk-full-database", Does: "Fills the disk of the database, and frees it.", Holds: "the worker says that it is full; the next run comes to everything", needs: mounts,
			run: mounted(`ebb runs list && { cat /dev/zero >"$HOME/fill" 2>/dev/null; ! ebb run --once 2>&1; } && rm "$HOME/fill" && ebb run --once`, "is full", true),
		},
		{
			Name: "disk-full-profile", Does: "Fills the disk of Chrome's profile, and frees it.", Holds: "the worker comes to an end; the next run comes to everything", needs: mounts,
			run: mounted(`mount -t tmpfs -o size=1m,mode=1777 tmpfs "$TMPDIR" && { cat /dev/zero >"$TMPDIR/fill" 2>/dev/null; ebb run --once 2>&1; rm "$TMPDIR/fill"; mount -o remount,size=1g "$TMPDIR"; } && ebb run --once && ls "$TMPDIR" && umount "$TMPDIR"`, "", true),
		},
	}
}

func tool(name string) need {
	return func() string {
		if _, err := exec.LookPath(name); err != nil {
			return "it needs the program " + name
		}
		return ""
	}
}

func lockedDatabase(ctx context.Context, s *scene) error {
	site, p, err := s.site("waiting", "")
	if err != nil {
		return err
	}
	if err := s.open(ctx, s.options.Launch); err != nil {
		return err
	}
	other, err := store.Open(ctx, s.database)
	if err != nil {
		return err
	}
	unlocked := make(chan error, 1)
	s.hostile.OnBegun("waiting", func() {
		locked := make(chan struct{})
		go func() {
			unlocked <- other.InTx(ctx, func(store.Tx) error {
				s.hurts()
				close(locked)
				time.Sleep(lockedFor)
				return nil
			})
		}()
		<-locked
	})
	run, err := s.work(ctx, site)
	err = errors.Join(err, <-unlocked, other.Close())
	if err != nil {
		return err
	}
	if run.State != store.RunDone {
		err = fmt.Errorf("the run is %s: %s", run.State, run.Error)
	}
	return errors.Join(err, s.holdsItems(ctx, s.store, p.Names()), holdsOnce(ctx, s.store, run), s.holdsSlots(ctx))
}

func corruptDatabase(ctx context.Context, s *scene) error {
	if err := s.siteFolder(""); err != nil {
		return err
	}
	db, err := store.Open(ctx, s.database)
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	file, err := os.OpenFile(s.database, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(strings.Repeat("damaged!", 8<<10)), 4096)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	c, err := s.start(ctx, "run", "--once")
	if err != nil {
		return err
	}
	switch code := c.wait(ctx); {
	case code != 1 && code != 2:
		err = fmt.Errorf("it ended with %d: %s", code, c.last())
	case !strings.Contains(c.said(), "damaged"):
		err = fmt.Errorf("it does not say that the database is damaged: %s", c.last())
	case s.hostile.Asked("/waiting/") > 0:
		err = errors.New("it asked for pages all the same")
	}
	s.note("it said: %s", c.last())
	return err
}

// mounted runs a shell's commands where the home folder is a small disk of its own. said is what ebb must say
// meanwhile; with recovers the database must hold everything at the end.
func mounted(commands, said string, recovers bool) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		if err := s.siteFolder(""); err != nil {
			return err
		}
		kept := filepath.Join(s.folder, "kept.db")
		script := fmt.Sprintf(`set -e
ebb() { %s "$@"; }
mount -t tmpfs -o size=2m,mode=755 tmpfs "$HOME"
%s
cp "$HOME/ebb.db" '%s'
`, quoted(s.command()), commands, kept)
		c, err := s.startProgram(ctx, "unshare", "--mount", "--propagation", "private", "--kill-child", "--fork", "sh", "-c", script)
		if err != nil {
			return err
		}
		if code := c.wait(ctx); code != 0 {
			return fmt.Errorf("the commands ended with %d: %s", code, c.last())
		}
		if !strings.Contains(c.said()+c.output(), said) {
			return fmt.Errorf("nobody said %q: %s", said, c.last())
		}
		if !recovers {
			return nil
		}
		db, err := store.Open(ctx, kept)
		if err != nil {
			return err
		}
		p, _ := hostile.Find("waiting")
		return errors.Join(s.holdsItems(ctx, db, p.Names()), db.Close())
	}
}

// quoted writes words as a shell reads them.
func quoted(words []string) string {
	var out []string
	for _, word := range words {
		out = append(out, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	return strings.Join(out, " ")
}
