package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/store"
)

func newSitesResumeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "resume SITE", Short: "Put a site back on its schedule that was set aside", Args: oneArgument("the name of a site"),
		Long: `Put a site back on its schedule. A worker sets a site aside when the kernel has killed
one of its pages for want of memory although no other page of the run was open; a changed
site file puts it back too. Pages of the run that were not visited stay to be visited:
'ebb runs retry RUN' goes on with it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(ctx context.Context, s *store.Store) error {
				done, err := s.Resume(ctx, args[0])
				if err != nil {
					return err
				}
				says := "site %s is back on its schedule\n"
				if !done {
					says = "site %s was not set aside: there is nothing to do\n"
				}
				_, err = fmt.Fprintf(a.stdout, says, output.CleanLine(args[0]))
				return err
			})
		},
	}
}

// standingTimeout bounds the look into a database for how sites stand, which is not what was asked for
// first.
const standingTimeout = 5 * time.Second

// standings are what the database remembers of sites, by their names; none where there is no database
// yet. One that cannot be read is told on standard error.
func (a *app) standings(ctx context.Context) map[string]store.Standing {
	ctx, cancel := context.WithTimeout(ctx, standingTimeout)
	defer cancel()
	settings, err := a.config()
	if err != nil || !store.Exists(settings.Database) {
		return nil // a configuration with faults is told by whatever needs it
	}
	s, err := store.Open(ctx, settings.Database)
	if err == nil {
		defer s.Close()
		var all map[string]store.Standing
		if all, err = s.Standings(ctx); err == nil {
			return all
		}
	}
	fmt.Fprintf(a.stderr, "note: whether a site is set aside is not known: %s\n", output.CleanLine(err.Error()))
	return nil
}

// noteAside tells which of the sites are set aside, and why.
func (a *app) noteAside(list []*sites.Site, standings map[string]store.Standing, now time.Time) {
	for _, site := range list {
		if s := standings[site.Name]; !s.Aside.IsZero() {
			fmt.Fprintf(a.stderr, "note: site %s was set aside %s: %s; a changed site file, or `ebb sites resume %s`, puts it back\n",
				site.Name, output.Ago(s.Aside, now), output.CleanLine(s.Why), site.Name)
		}
	}
}

// onSchedule are the sites that are not set aside.
func onSchedule(list []*sites.Site, standings map[string]store.Standing) []*sites.Site {
	var kept []*sites.Site
	for _, site := range list {
		if standings[site.Name].Aside.IsZero() {
			kept = append(kept, site)
		}
	}
	return kept
}
