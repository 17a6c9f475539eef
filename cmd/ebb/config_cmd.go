package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

const configLong = `The configuration is read from flags, the environment, a file and the defaults,
in this order of precedence.

The file is the first of: --config, EBB_CONFIG, ./ebb.yaml,
$XDG_CONFIG_HOME/ebb/config.yaml, /etc/ebb/config.yaml. Relative paths in it are
relative to it. The environment has a variable for each key: pool.tabs is
EBB_POOL_TABS. DATABASE_URL and ENABLE_MEMORY_PROFILING are understood too.`

func newConfigCommand(a *app) *cobra.Command {
	cmd := group("config", "Print and check the configuration",
		newConfigPrintCommand(a), newConfigCheckCommand(a), newConfigSchemaCommand(a))
	cmd.Long = configLong
	return cmd
}

func newConfigPrintCommand(a *app) *cobra.Command {
	var origin bool
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print the configuration as it is used, as YAML",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			if origin {
				return printOrigins(a.out(), settings)
			}
			return printConfig(a.out(), settings)
		},
	}
	cmd.Flags().BoolVar(&origin, "origin", false, "show where each value came from, as a table")
	return cmd
}

func newConfigCheckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, and say all that is wrong with it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			for _, name := range strangeVariables(a.environ()) {
				fmt.Fprintf(a.stderr, "note: the environment variable %s is none of ebb's%s\n",
					output.CleanLine(name.name), name.hint)
			}
			file := "no configuration file; defaults, environment and flags"
			if settings.File != "" {
				file = settings.File
			}
			_, err = fmt.Fprintf(a.stdout, "ok: %s\n", output.CleanLine(file))
			return err
		},
	}
}

func newConfigSchemaCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the configuration's JSON Schema, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			data, err := ConfigSchema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(data)
			return err
		},
	}
}

// printConfig writes the configuration as a file that would give the same again, but
// for passwords.
func printConfig(out output.Terminal, settings *Settings) error {
	section := ""
	for i := range configKeys {
		key := &configKeys[i]
		head, name, nested := strings.Cut(key.path, ".")
		indent := ""
		if nested {
			indent = "  "
			if head != section {
				fmt.Fprintf(out, "\n%s:\n", head)
			}
			section = head
		} else {
			name = head
		}
		value, err := yamlValue(shownValue(key, &settings.Config))
		if err != nil {
			return fmt.Errorf("write %s: %w", key.path, err)
		}
		if _, err := fmt.Fprintf(out, "%s%s: %s\n", indent, name, value); err != nil {
			return err
		}
	}
	return nil
}

// printOrigins writes the values with where each came from.
func printOrigins(out output.Terminal, settings *Settings) error {
	table := output.NewTable(
		output.Column{Title: "KEY", Keep: true},
		output.Column{Title: "VALUE"},
		output.Column{Title: "FROM", Keep: true})
	for i := range configKeys {
		key := &configKeys[i]
		table.Add(key.path, plainValue(shownValue(key, &settings.Config)), settings.Origin(key.path))
	}
	return table.Write(out)
}

// plainValue is a value for people.
func plainValue(value any) string {
	if list, ok := value.([]string); ok {
		value = strings.Join(list, ", ")
	}
	if text := fmt.Sprint(value); text != "" {
		return text
	}
	return "-"
}

// yamlValue is a value as it stands after a key, on one line.
func yamlValue(value any) (string, error) {
	if list, ok := value.([]string); ok {
		parts := make([]string, 0, len(list))
		for _, element := range list {
			part, err := flowElement(element)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	}
	data, err := yaml.Dump(value, yaml.WithLineWidth(-1), yaml.WithUnicode(false))
	return strings.TrimRight(string(data), "\n"), err
}

// flowElement is a text as it stands in a list in brackets.
func flowElement(text string) (string, error) {
	data, err := yaml.Dump(text, yaml.WithLineWidth(-1), yaml.WithUnicode(false))
	if err != nil {
		return "", err
	}
	plain := strings.TrimRight(string(data), "\n")
	if plain == text && strings.ContainsAny(text, ",[]{}#:&*!|>'\"%@`\\") {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'", nil
	}
	return plain, nil
}

// shownValue is a key's value without its password.
func shownValue(key *configKey, config *Config) any {
	value := fieldValue(key.field(config))
	if text, ok := value.(string); ok && key.secret {
		if key.mask != nil {
			return key.mask(text)
		}
		return maskPassword(text)
	}
	return value
}

// masked stands for what is secret, as in net/url.
const masked = "xxxxx"

// maskAll replaces a secret as a whole.
func maskAll(text string) string {
	if text == "" {
		return ""
	}
	return masked
}

// maskURL leaves nothing of a URL but where it leads: a token may stand anywhere else in it.
func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return maskAll(text)
	}
	return u.Scheme + "://" + u.Host + "/" + masked
}

// passwordParameter finds password=... in a URL's query.
var passwordParameter = regexp.MustCompile(`(?i)((?:^|[?&])(?:ssl)?password=)[^&]*`)

// maskPassword replaces a URL's password by xxxxx, as net/url does.
func maskPassword(text string) string {
	scheme, _, isURL := strings.Cut(text, "://")
	if !isURL {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return scheme + "://xxxxx"
	}
	u.RawQuery = passwordParameter.ReplaceAllString(u.RawQuery, "${1}xxxxx")
	return u.Redacted()
}

// strangeVariable is an EBB_ variable that names no key.
type strangeVariable struct{ name, hint string }

// strangeVariables are those of the environment that begin with EBB_ and mean nothing.
// They may be another program's, so they are no faults.
func strangeVariables(environ []string) []strangeVariable {
	known := []string{"EBB_CONFIG"}
	for _, key := range configKeys {
		known = append(known, key.env())
		if key.secret {
			known = append(known, key.env()+"_FILE")
		}
	}
	var strange []strangeVariable
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "EBB_") || slices.Contains(known, name) {
			continue
		}
		hint := ""
		lower := make([]string, len(known))
		for i := range known {
			lower[i] = strings.ToLower(known[i])
		}
		if near := nearest(name, lower); near != "" {
			hint = "; did you mean " + strings.ToUpper(near) + "?"
		}
		strange = append(strange, strangeVariable{name, hint})
	}
	slices.SortFunc(strange, func(a, b strangeVariable) int { return strings.Compare(a.name, b.name) })
	return strange
}
