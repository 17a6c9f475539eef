package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

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

// Read returns the bytes of the files by kind and their number, at LevelFull only. Files that
// Chrome deletes meanwhile do not count.
func (p *Profiles) Read(ctx context.Context, q memprof.Request) []memprof.Reading {
	if !isFull(q) {
		return nil
	}
	var readings []memprof.Reading
	for _, b := range p.o.Browsers() {
		if b.ProfileDir == "" {
			continue
		}
		subject := memprof.Subject{Browser: b.ID}
		f, err := folderSize(ctx, p.o.Root, clean(b.ProfileDir), maxProfileFiles)
		readings = append(readings, memprof.Reading{Metric: "profile.files", Subject: subject, Value: float64(f.files), Err: err})
		if err != nil {
			readings = append(readings, memprof.Reading{Metric: "profile.bytes", Subject: subject, Err: err})
		}
		for _, kind := range slices.Sorted(maps.Keys(f.bytes)) {
			subject.Kind = kind
			readings = append(readings, memprof.Reading{Metric: "profile.bytes", Subject: subject, Value: float64(f.bytes[kind])})
		}
	}
	return readings
}

// profileSize is what a profile folder holds.
type profileSize struct {
	bytes map[string]int64 // by kind
	files int
}

// folderSize adds up the regular files below a folder. It gives up beyond a number of files.
func folderSize(ctx context.Context, root fs.FS, dir string, limit int) (profileSize, error) {
	f := profileSize{bytes: make(map[string]int64)}
	err := fs.WalkDir(root, dir, func(name string, e fs.DirEntry, err error) error {
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
		f.bytes[kindOf(strings.TrimPrefix(name, dir+"/"))] += info.Size()
		if f.files++; f.files > limit {
			return fmt.Errorf("it has more than %d files", limit)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = memprof.ErrGone
	}
	if err != nil {
		return profileSize{}, fmt.Errorf("measure the profile folder: %w", err)
	}
	return f, nil
}

// profileKinds says what is kept in which folder or file of a profile.
var profileKinds = map[string]string{
	"Cache":             "http-cache",
	"Media Cache":       "http-cache",
	"Shared Dictionary": "http-cache",
	"Code Cache":        "code-cache",
	"GPUCache":          "gpu-cache",
	"GrShaderCache":     "gpu-cache",
	"ShaderCache":       "gpu-cache",
	"GraphiteDawnCache": "gpu-cache",
	"DawnGraphiteCache": "gpu-cache",
	"DawnWebGPUCache":   "gpu-cache",
	"IndexedDB":         "indexeddb",
	"CacheStorage":      "cache-storage",
	"Service Worker":    "service-worker",
	"Local Storage":     "local-storage",
	"Session Storage":   "session-storage",
	"File System":       "file-system",
	"WebStorage":        "web-storage",
	"Cookies":           "cookies",
	"Cookies-journal":   "cookies",
	"History":           "history",
	"History-journal":   "history",
	"Visited Links":     "history",
}

// kindOf returns the kind of a file from its path within the profile: that of the innermost
// folder that says one. A page's caches lie below Service Worker, and what frames of other sites
// store (partitioned storage) below WebStorage, each in a folder that says what it is. What says
// nothing is "other".
func kindOf(name string) string {
	kind := "other"
	for part := range strings.SplitSeq(name, "/") {
		if k, ok := profileKinds[part]; ok {
			kind = k
		}
	}
	return kind
}
