package main

import (
	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/sites"
)

// cleanupFlag is --cleanup of the commands that scrape.
type cleanupFlag struct{ written []string }

func (f *cleanupFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.written, "cleanup", nil, `do a cleanup: `+"`NAME[=WHEN]`"+`, WHEN being page, run,
cycle, "every 10 pages" or off; see 'ebb cleanups'`)
}

// parse reads what was given.
func (f *cleanupFlag) parse() (sites.Cleanup, error) {
	c, err := sites.ParseCleanup(f.written)
	if err != nil {
		return c, usageErrorf("--cleanup: %w", err)
	}
	return c, nil
}

// cleanedSites are the sites with the cleanups that they come to: those of the command go first, then
// the site's own, then those of the configuration.
func cleanedSites(list []*sites.Site, configured []string, ofCommand sites.Cleanup) ([]*sites.Site, error) {
	base, err := sites.ParseCleanup(configured)
	if err != nil {
		return nil, withCode(exitUsage, err) // it was checked when it was read
	}
	cleaned := make([]*sites.Site, 0, len(list))
	for _, s := range list {
		site := *s
		site.Cleanup = ofCommand.Over(s.Cleanups(base))
		cleaned = append(cleaned, &site)
	}
	return cleaned, nil
}
