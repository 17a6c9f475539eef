package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
)

func newSitesCommand(a *app) *cobra.Command {
	return group("sites", "List, check and try site files, and put sites back",
		newSitesListCommand(a), newSitesCheckCommand(a), newSitesTryCommand(a),
		newSitesNextCommand(a), newSitesResumeCommand(a), newSitesSchemaCommand(a))
}

// siteFiles loads the site files at the paths, or else those of the configuration. The
// sites that are right come back with an error that says what is wrong with the others;
// it has exit code 2.
func (a *app) siteFiles(paths []string) ([]*sites.Site, error) {
	byDefault := false
	if len(paths) == 0 {
		settings, err := a.config()
		if err != nil {
			return nil, err
		}
		paths, byDefault = settings.Sites, settings.IsDefault("sites")
	}
	loaded, err := sites.LoadAll(paths...)
	if byDefault && errors.Is(err, fs.ErrNotExist) {
		return nil, usageErrorf("there is no folder %s: name site files or folders with --sites, or under sites in the configuration", paths[0])
	}
	return loaded, withCode(exitUsage, err)
}

// pickSites gives the sites that the names mean, in the order of the names; all of the
// configuration's without one. A name is a site's, or a path of a site file.
func (a *app) pickSites(names []string) ([]*sites.Site, error) {
	var files []string
	for _, name := range names {
		if isSitePath(name) {
			files = append(files, name)
		}
	}
	var known []*sites.Site
	if len(files) < len(names) || len(names) == 0 {
		var err error
		if known, err = a.siteFiles(nil); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return known, nil
	}
	var picked []*sites.Site
	for _, name := range names {
		site, err := pickSite(name, known)
		if err != nil {
			return nil, withCode(exitUsage, err)
		}
		i := slices.IndexFunc(picked, func(s *sites.Site) bool { return s.Name == site.Name })
		switch {
		case i < 0:
			picked = append(picked, site)
		case !sameFile(picked[i].File, site.File):
			return nil, usageErrorf("the sites of %s and %s are both named %s", picked[i].File, site.File, site.Name)
		}
	}
	return picked, nil
}

// sameFile says whether two paths lead to one file.
func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

func pickSite(name string, known []*sites.Site) (*sites.Site, error) {
	if isSitePath(name) {
		return sites.Load(name)
	}
	var names []string
	for _, site := range known {
		if site.Name == name {
			return site, nil
		}
		names = append(names, site.Name)
	}
	message := fmt.Sprintf("there is no site %q", name)
	if near := nearest(name, names); near != "" {
		message += "; did you mean " + near + "?"
	} else if len(names) > 0 {
		message += "; there are " + strings.Join(names, ", ")
	}
	return nil, errors.New(message)
}

// isSitePath tells a path of a site file from the name of a site, which has neither
// slash nor dot.
func isSitePath(name string) bool {
	extension := strings.ToLower(filepath.Ext(name))
	return strings.ContainsRune(name, '/') || extension == ".yaml" || extension == ".yml"
}

// writeJSONLine writes a value as one line of JSON.
func writeJSONLine(w io.Writer, value any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := w.Write(output.CleanJSON(line.Bytes()))
	return err
}

// jsonHelp is the help of every --json flag.
const jsonHelp = "write JSON, one object a line"

// clockTime is how a time of a schedule is written, with its zone.
const clockTime = "Mon 2006-01-02 15:04:05 MST"

// nextRun is when the site is due next, and whether it has a schedule.
func nextRun(site *sites.Site, now time.Time) (time.Time, bool) {
	next := site.Next(now, 1)
	if len(next) == 0 {
		return time.Time{}, false
	}
	return next[0], true
}
