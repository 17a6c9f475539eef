package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// oneArgument takes exactly one argument; what says which.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return usageErrorf("%s needs %s: %s", cmd.CommandPath(), what, cmd.UseLine())
		case 1:
			return nil
		}
		return usageErrorf("%s takes only %s; %q is one too many", cmd.CommandPath(), what, args[1])
	}
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageErrorf("%s takes no arguments; %q is one", cmd.CommandPath(), args[0])
}

// plainFlagError says what a flag's value should be, without the words of the parser.
func plainFlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	want, known := map[string]string{
		"int": "a whole number", "float64": "a number", "int64": "a whole number",
		"uint64": "a whole number of 0 or more", "bool": "true or false", "duration": "a duration such as 90s or 24h",
	}[flag.Value.Type()]
	if !known {
		return err
	}
	return usageErrorf("--%s: %q is not %s", flag.Name, strings.TrimSpace(invalid.GetValue()), want)
}

// atLeastOne refuses a limit below 1, which would mean something else to each listing.
func atLeastOne(flag string, n int) error {
	if n < 1 {
		return usageErrorf("--%s must be 1 or more", flag)
	}
	return nil
}
