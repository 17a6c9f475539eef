package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rootLong is what `ebb --help` says first.
const rootLong = `Ebb is a scraper worker: it drives headless Chrome on a schedule, keeps its
memory flat, and can prove it.

A site file says what to scrape. 'ebb demo' shows all of it on built-in sites;
'ebb scrape FILE' runs one site once; 'ebb run' runs every site on its schedule.`

// rootExitCodes ends `ebb --help`.
const rootExitCodes = `
Exit codes:
  0    done (also a graceful stop)
  1    it was tried and went wrong
  2    the command line, the configuration or a file that they name is wrong
  3    the verdict is killed, or one to fail on (--fail-on), or the self-test failed
  4    no usable Chrome
  5    the data do not allow a verdict, where --fail-on says so
  130  a second ^C or SIGTERM
`

// newRootCommand is `ebb` with all its commands.
func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "ebb",
		Short:         "A scraper worker that keeps Chrome's memory flat",
		Long:          rootLong,
		Version:       versionName(),
		SilenceErrors: true, // app.exit prints them
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetVersionTemplate(versionLine() + "\n")
	root.SetHelpTemplate(root.HelpTemplate() + "{{if not .HasParent}}" + rootExitCodes + "{{end}}")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		a.command = cmd.CommandPath()
		return plainFlagError(err)
	})
	root.PersistentPreRunE = a.begin
	a.addRootFlags(root.PersistentFlags())
	root.AddCommand(a.commands()...)
	return root
}

// commands are all commands, in the order of the help. A new command is a file with
// its constructor, and a row here.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		newRunCommand(a),
		newScrapeCommand(a),
		newDiagnoseCommand(a),
		newExperimentCommand(a),
		newReportCommand(a),
		newCompareCommand(a),
		newHeapCommand(a),
		newExplainCommand(a),
		newCleanupsCommand(a),
		newSoakCommand(a),
		newBenchCommand(a),
		newDemoCommand(a),
		newSitesCommand(a),
		newRunsCommand(a),
		newJobsCommand(a),
		newExportCommand(a),
		newDoctorCommand(a),
		newBrowserCommand(a),
		newConfigCommand(a),
		newSelftestCommand(a),
		newVersionCommand(a),
	}
}

// begin marks the end of what can be wrong with the command line.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	a.command = cmd.CommandPath()
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return err
	}
	a.flags.given = map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { a.flags.given[f.Name] = true })
	a.started = true
	return nil
}

// addRootFlags are the flags that every command has.
func (a *app) addRootFlags(flags *pflag.FlagSet) {
	flags.StringVarP(&a.configPath, "config", "c", "",
		"configuration `file`; - is standard input (default: see 'ebb config')")
	flags.StringArrayVar(&a.sets, "set", nil, "set any `key=value` of the configuration; may be repeated")
	flags.StringVar(&a.flags.database, "database", "", "SQLite `file` or postgres:// URL")
	flags.StringArrayVar(&a.flags.sites, "sites", nil, "site `file or folder`; may be repeated")
	flags.StringVar(&a.flags.browser, "browser", "", "`path` of the Chrome to use")
	flags.StringVar(&a.flags.profile, "profile", "", "memory profiling `level`: off, cheap or full (--profile alone: full)")
	flags.Lookup("profile").NoOptDefVal = "full"
	flags.StringVar(&a.flags.logLevel, "log-level", "", "`level`: trace, debug, info, warn, error or disabled")
	flags.StringVar(&a.flags.logFormat, "log-format", "", "`format`: auto, console or json")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour (also: NO_COLOR=1)")
}

// settings are the configuration keys that the given flags stand for.
func (f rootFlags) settings() []Setting {
	values := []struct{ flag, key, value string }{
		{"database", "database", f.database},
		{"browser", "browser.path", f.browser},
		{"profile", "memory.profile", f.profile},
		{"listen", "web.listen", f.listen},
		{"log-level", "log.level", f.logLevel},
		{"log-format", "log.format", f.logFormat},
	}
	var settings []Setting
	for _, v := range values {
		if f.given[v.flag] {
			settings = append(settings, Setting{Text: v.key + "=" + v.value, Origin: "--" + v.flag})
		}
	}
	if f.given["sites"] {
		settings = append(settings, Setting{Key: "sites", List: f.sites, Origin: "--sites"})
	}
	return settings
}

// group is a command that only holds others: without one of them it prints its help,
// with an unknown one it says so.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// unknownCommand refuses arguments that name no command, and suggests one.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	message := fmt.Sprintf("there is no command %q in %s", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		message += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageErrorf("%s", message)
}
