package goruntime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// WriteProfiles writes heap.pb.gz and goroutine.pb.gz of this program to a folder, which it makes,
// for `go tool pprof`, and returns their paths. It collects garbage before, so that the heap is
// the live one. A file that is there already is replaced.
func WriteProfiles(dir string) (paths []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("write profiles of this program: %w", err)
	}
	runtime.GC()
	for _, name := range []string{"heap", "goroutine"} {
		path := filepath.Join(dir, name+".pb.gz")
		if err := writeProfile(path, name); err != nil {
			return paths, fmt.Errorf("write profiles of this program: %w", err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// writeProfile writes one of the runtime's profiles.
func writeProfile(path, name string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
}
