package main

import (
	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/sites"
)

func newSitesSchemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a site file, for editors",
		Long: `Print the JSON Schema (2020-12) of a site file. An editor that speaks YAML's language
server completes and checks site files with it:

  ebb sites schema > sites/site.schema.json

and as the first line of each site file

  # yaml-language-server: $schema=./site.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			data, err := sites.Schema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(data)
			return err
		},
	}
}
