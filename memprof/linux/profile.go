package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ebbworker/ebb/memprof"
)

// maxProfileFiles bounds the walk of one profile folder.
const maxProfileFiles = 200_000

// Profiles reads the size of each Chrome's profile folder.
type Profiles struct{ o Options }

// NewProfiles returns the source of the group "profile".
func NewProfiles(o Options) *Profiles { return &Profiles{o.withDefaults()} }

// Name returns "linux/profiles".
func (p *Profiles) Name() string { return "linux/profiles" }

// Read returns the bytes and number of the files, at LevelFull only. Files that Chrome deletes
// meanwhile do not count.
func (p *Profiles) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	if q.Level < memprof.LevelFull || q.Tick {
		return nil
	}
	var readings []memprof.Reading
	for _, b := range p.o.Browsers() {
		if b.ProfileDir == "" {
			continue
		}
		size, files, err := folderSize(ctx, p.o.Root, clean(b.ProfileDir), maxProfileFiles)
		subject := memprof.Subject{Browser: b.ID}
		readings = append(readings,
			memprof.Reading{Metric: "profile.bytes", Subject: subject, Value: float64(size), Err: err},
			memprof.Reading{Metric: "profile.files", Subject: subject, Value: float64(files), Err: err})
	}
	return readings
}

// folderSize adds up the regular files below a folder. It gives up beyond a number of files.
func folderSize(ctx context.Context, root fs.FS, dir string, limit int) (size int64, files int, err error) {
	err = fs.WalkDir(root, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && name != dir:
			return nil
		case err != nil:
			return err
		case !e.Type().IsRegular():
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		size += info.Size()
		if files++; files > limit {
			return fmt.Errorf("it has more than %d files", limit)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = memprof.ErrGone
	}
	if err != nil {
		return 0, 0, fmt.Errorf("measure the profile folder: %w", err)
	}
	return size, files, nil
}
