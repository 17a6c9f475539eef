package sites

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Load reads the site file at path. The error is Faults when the file could be read
// but is not right; see Parse.
func Load(path string) (*Site, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read site file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read site file: %w", err)
	}
	return Parse(path, data)
}

// LoadAll reads the site files at the paths, of which each is a file or a folder with
// files *.yaml or *.yml (folders within it and names that start with a dot are left
// out), in the order of the paths and by name within a folder. A file that is named
// twice is read once; two files with the same site name are a fault. The sites that
// are right come back together with an error that joins what is wrong with the others:
// one Faults, and the errors of files that could not be read.
func LoadAll(paths ...string) ([]*Site, error) {
	files, err := siteFiles(paths)
	failures := []error{err}
	var sites []*Site
	var faults Faults
	byName := map[string]*Site{}
	for _, file := range files {
		site, err := Load(file)
		var wrong Faults
		switch {
		case errors.As(err, &wrong):
			faults = append(faults, wrong...)
			continue
		case err != nil:
			failures = append(failures, err)
			continue
		}
		if first, twice := byName[site.Name]; twice {
			at := site.at.of("name")
			faults = append(faults, Fault{
				File: file, Line: at.line, Column: at.column, Path: "name",
				Message: "the site " + shown(site.Name) + " is already in " + first.File,
				Hint:    "give each site a name of its own",
			})
			continue
		}
		byName[site.Name] = site
		sites = append(sites, site)
	}
	if len(faults) > 0 && errors.Join(failures...) == nil {
		return sites, faults
	}
	return sites, errors.Join(append([]error{faults.or()}, failures...)...)
}

// siteFiles lists the site files at the paths, each once.
func siteFiles(paths []string) ([]string, error) {
	var files []string
	var failures []error
	seen := map[string]bool{}
	for _, path := range paths {
		found, err := siteFilesAt(path)
		if err != nil {
			failures = append(failures, err)
		}
		for _, file := range found {
			key := file
			if real, err := filepath.EvalSymlinks(file); err == nil {
				key = real
			}
			if abs, err := filepath.Abs(key); err == nil {
				key = abs
			}
			if !seen[key] {
				seen[key] = true
				files = append(files, file)
			}
		}
	}
	return files, errors.Join(failures...)
}

func siteFilesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("find site files: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("list site files: %w", err)
	}
	var files []string
	for _, entry := range entries {
		name := entry.Name()
		extension := strings.ToLower(filepath.Ext(name))
		isSite := slices.Contains([]string{".yaml", ".yml"}, extension) && !strings.HasPrefix(name, ".")
		if isSite && !entry.IsDir() {
			files = append(files, filepath.Join(path, name))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("find site files: %s holds no *.yaml and no *.yml", path)
	}
	return files, nil
}
