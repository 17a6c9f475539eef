package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

func newSitesListCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [FILE|FOLDER...]",
		Short: "List the sites with their schedules",
		Long: `List the sites of the configuration, or of the site files and folders named, with
their schedules and their next runs. Sites with faults are left out; the faults
follow, and the exit code is 2.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			loaded, err := a.siteFiles(paths)
			now := time.Now()
			standings := a.standings(cmd.Context())
			if asJSON {
				return firstError(a.listSitesJSON(loaded, standings, now), err)
			}
			if len(loaded) == 0 {
				return err
			}
			a.noteAside(loaded, standings, now)
			return firstError(listSites(a.out(), loaded, standings, now), err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// firstError is the first that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func listSites(out output.Terminal, loaded []*sites.Site, standings map[string]store.Standing, now time.Time) error {
	folder := commonFolder(loaded)
	table := output.NewTable(
		output.Column{Title: "NAME", Keep: true},
		output.Column{Title: "SCHEDULE", Keep: true},
		output.Column{Title: "NEXT RUN", Keep: true},
		output.Column{Title: "START"},
		output.Column{Title: "TEMPLATES"},
		output.Column{Title: "FILE"})
	for _, site := range loaded {
		next := "-"
		if t, ok := nextRun(site, now); ok {
			next = output.Ago(t, now)
		}
		if !standings[site.Name].Aside.IsZero() {
			next = "set aside"
		}
		file := strings.TrimPrefix(site.File, folder)
		table.Add(site.Name, shortSchedule(site), next, shortStart(site), strings.Join(templateNames(site), ", "), file)
	}
	if err := table.Write(out); err != nil || folder == "" {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s in %s\n", plural(len(loaded), "site"), output.CleanLine(folder))
	return err
}

// commonFolder is the folder of all sites, with the slash at its end; "" when they are
// in several.
func commonFolder(loaded []*sites.Site) string {
	folder, _ := filepath.Split(loaded[0].File)
	for _, site := range loaded {
		if other, _ := filepath.Split(site.File); other != folder {
			return ""
		}
	}
	return folder
}

// shortSchedule is the schedule, with its zone where that is not UTC.
func shortSchedule(site *sites.Site) string {
	switch {
	case site.Schedule == "":
		return "when asked"
	case site.Timezone == "UTC", strings.HasPrefix(site.Schedule, "@every"):
		return site.Schedule
	}
	return site.Schedule + " " + site.Timezone
}

// shortStart is the first start URL without its scheme, and how many there are beside
// it.
func shortStart(site *sites.Site) string {
	_, start, _ := strings.Cut(site.Start[0], "://")
	if more := len(site.Start) - 1; more > 0 {
		return fmt.Sprintf("(+%d) %s", more, start)
	}
	return start
}

func templateNames(site *sites.Site) []string {
	names := make([]string, len(site.Templates))
	for i := range site.Templates {
		names[i] = site.Templates[i].Name
	}
	return names
}

func (a *app) listSitesJSON(loaded []*sites.Site, standings map[string]store.Standing, now time.Time) error {
	for _, site := range loaded {
		row := struct {
			Name        string   `json:"name"`
			Description string   `json:"description,omitempty"`
			Schedule    *string  `json:"schedule"`
			Timezone    string   `json:"timezone"`
			Next        *string  `json:"next"`
			Start       []string `json:"start"`
			Templates   []string `json:"templates"`
			File        string   `json:"file"`
			Aside       string   `json:"aside,omitempty"`
		}{
			Name: site.Name, Description: site.Description, Timezone: site.Timezone,
			Start: site.Start, Templates: templateNames(site), File: site.File,
			Aside: standings[site.Name].Why,
		}
		if t, ok := nextRun(site, now); ok {
			text := t.Format(time.RFC3339)
			row.Schedule, row.Next = &site.Schedule, &text
		}
		if row.Aside != "" {
			row.Next = nil
		}
		if err := writeJSONLine(a.stdout, row); err != nil {
			return err
		}
	}
	return nil
}
