package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/worker/web"
)

// ConfigSources is where a configuration is read from.
type ConfigSources struct {
	// Path is the file that --config names; "-" is Stdin; "" searches.
	Path  string
	Stdin io.Reader
	// Getenv reads the environment.
	Getenv func(string) string
	// Settings are those of the command line; later ones win.
	Settings []Setting
}

// Setting is one key's value from the command line: Text is key=value, or Key with List.
type Setting struct {
	Text   string
	Key    string
	List   []string
	Origin string // the flag
}

// Settings are a configuration and where each of its values came from.
type Settings struct {
	Config
	// File is the configuration file; "" where there is none.
	File string

	origins map[string]origin // by key; those that nothing set are missing
}

// Origin is where a key's value came from: "default", file:line:column, "env NAME"
// or "flag --name".
func (s *Settings) Origin(path string) string { return s.origins[path].String() }

// IsDefault reports whether nothing set the key.
func (s *Settings) IsDefault(path string) bool { return s.origins[path] == origin{} }

// Hash tells one configuration from another in recordings: the first 16 hexadecimal
// digits of a SHA-256 of its values, without those that may hold a password.
func (s *Settings) Hash() string {
	values := s.Config
	for _, key := range configKeys {
		if text, ok := key.field(&values).(*string); ok && key.secret {
			*text = ""
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", values))
	return hex.EncodeToString(sum[:8])
}

func (s *Settings) setOrigin(path string, o origin) { s.origins[path] = o }

// origin is where a value came from; the zero one is the default.
type origin struct {
	kind         originKind
	name         string // file, variable or flag
	line, column int    // in a file
}

type originKind int

const (
	originDefault originKind = iota
	originFile
	originEnv
	originFlag
)

func (o origin) String() string {
	switch o.kind {
	case originFile:
		return fmt.Sprintf("%s:%d:%d", o.name, o.line, o.column)
	case originEnv:
		return "env " + o.name
	case originFlag:
		return "flag " + o.name
	default:
		return "default"
	}
}

// fault is what is wrong with a value that came from there.
func (o origin) fault(path string, err error) sites.Fault {
	name := o.name
	if o.kind == originDefault {
		name = "default"
	}
	fault := sites.Fault{File: name, Line: o.line, Column: o.column, Path: path, Message: err.Error()}
	var w *wanted
	if errors.As(err, &w) {
		fault.Message, fault.Hint = w.message, w.hint
	}
	return fault
}

// LoadConfig reads the configuration: flags before environment before file before
// defaults. The error is sites.Faults where values are wrong, all of them at once.
func LoadConfig(sources ConfigSources) (*Settings, error) {
	settings := &Settings{Config: Default(sources.Getenv), origins: map[string]origin{}}
	var faults sites.Faults
	name, data, err := readConfigFile(sources)
	if err != nil {
		return nil, err
	}
	if data != nil {
		settings.File = name
		file := configFile{name: name, folder: filepath.Dir(name), settings: settings}
		faults = append(faults, file.read(data)...)
	}
	faults = append(faults, settings.fromEnvironment(sources.Getenv)...)
	for _, setting := range sources.Settings {
		faults = append(faults, settings.fromFlag(setting)...)
	}
	faults = append(faults, settings.check()...)
	if len(faults) > 0 {
		return nil, inTextOrder(faults)
	}
	return settings, nil
}

// readConfigFile is the first file of the search order, nil where there is none.
func readConfigFile(sources ConfigSources) (string, []byte, error) {
	path, origin := sources.Path, "--config"
	if path == "" {
		path, origin = sources.Getenv("EBB_CONFIG"), "EBB_CONFIG"
	}
	if path == "-" {
		data, err := io.ReadAll(io.LimitReader(sources.Stdin, configFileLimit+1))
		if err != nil {
			return "", nil, fmt.Errorf("read the configuration from standard input: %w", err)
		}
		return "stdin", data, nil
	}
	if path != "" {
		data, err := readBounded(path)
		if err != nil {
			return "", nil, fmt.Errorf("read the configuration that %s names: %w", origin, err)
		}
		return path, data, nil
	}
	for _, path := range configFiles(sources.Getenv) {
		data, err := readBounded(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("read the configuration: %w", err)
		}
		return path, data, nil
	}
	return "", nil, nil
}

// configFiles are the places where a configuration is looked for, in order.
func configFiles(getenv func(string) string) []string {
	files := []string{"ebb.yaml"}
	if folder := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(folder) {
		files = append(files, filepath.Join(folder, "ebb", "config.yaml"))
	} else if home := getenv("HOME"); home != "" {
		files = append(files, filepath.Join(home, ".config", "ebb", "config.yaml"))
	}
	return append(files, "/etc/ebb/config.yaml")
}

// readBounded reads a file up to one byte more than the limit, which then refuses it.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, configFileLimit+1))
	if err != nil {
		return nil, err
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// fromEnvironment sets what the environment says. A variable that is empty is not set.
func (s *Settings) fromEnvironment(getenv func(string) string) sites.Faults {
	var faults sites.Faults
	for i := range configKeys {
		key := &configKeys[i]
		name, value, err := environmentValue(key, getenv)
		if err != nil {
			faults = append(faults, sites.Fault{File: name, Path: key.path, Message: err.Error()})
			continue
		}
		if value == "" {
			continue
		}
		faults = append(faults, s.setText(key, value, origin{kind: originEnv, name: name})...)
	}
	return faults
}

// environmentValue is the value of a key's variable, of the file that NAME_FILE names
// for a secret, or else of the variable that people know by another name.
func environmentValue(key *configKey, getenv func(string) string) (name, value string, err error) {
	name = key.env()
	if value := getenv(name); value != "" {
		return name, value, nil
	}
	if file := getenv(name + "_FILE"); key.secret && file != "" {
		data, err := readBounded(file)
		if err != nil {
			return name + "_FILE", "", fmt.Errorf("read the secret: %w", err)
		}
		return name + "_FILE", strings.TrimSpace(string(data)), nil
	}
	switch key.path {
	case "database":
		return "DATABASE_URL", getenv("DATABASE_URL"), nil
	case "memory.profile":
		return profilingSwitch(getenv)
	}
	return name, "", nil
}

// profilingSwitch reads ENABLE_MEMORY_PROFILING: true asks for the full level, false
// for none at all.
func profilingSwitch(getenv func(string) string) (name, value string, err error) {
	name = "ENABLE_MEMORY_PROFILING"
	text := getenv(name)
	if text == "" {
		return name, "", nil
	}
	var on bool
	if err := setText(&on, text); err != nil {
		return name, "", err
	}
	if on {
		return name, "full", nil
	}
	return name, "off", nil
}

// fromFlag sets what one flag says.
func (s *Settings) fromFlag(setting Setting) sites.Faults {
	from := origin{kind: originFlag, name: setting.Origin}
	if setting.Key != "" {
		key := findKey(setting.Key)
		*key.field(&s.Config).(*[]string) = setting.List
		s.setOrigin(key.path, from)
		return nil
	}
	path, value, assigned := strings.Cut(setting.Text, "=")
	if !assigned {
		return sites.Faults{{File: setting.Origin, Message: fmt.Sprintf("%q has no =", setting.Text), Hint: "write it as key=value"}}
	}
	key := findKey(path)
	if key == nil {
		prefix := ""
		if section, _, nested := cutLast(path, "."); nested && len(sectionKeys(section+".")) > 0 {
			prefix = section + "."
		}
		return sites.Faults{{
			File: setting.Origin, Path: path, Message: "there is no such key",
			Hint: keyHint(prefix, strings.TrimPrefix(path, prefix)),
		}}
	}
	return s.setText(key, value, from)
}

// setText sets a key to what a text says, and remembers its origin.
func (s *Settings) setText(key *configKey, text string, from origin) sites.Faults {
	if err := setText(key.field(&s.Config), text); err != nil {
		return sites.Faults{from.fault(key.path, err)}
	}
	s.setOrigin(key.path, from)
	return nil
}

// check finds the values that are not possible.
func (s *Settings) check() sites.Faults {
	var faults sites.Faults
	for i := range configKeys {
		key := &configKeys[i]
		if key.check == nil {
			continue
		}
		if err := key.check.check(key.field(&s.Config)); err != nil {
			faults = append(faults, s.origins[key.path].fault(key.path, err))
		}
	}
	if s.Web.Listen != "" && (listenAddress{}).check(&s.Web.Listen) == nil {
		if err := web.CheckListen(s.Web.Listen, s.Web.Token); err != nil {
			faults = append(faults, s.origins["web.listen"].fault("web.listen", err))
		}
	}
	return faults
}

// inTextOrder puts the faults of the file into its order, before all others.
func inTextOrder(faults sites.Faults) sites.Faults {
	slices.SortStableFunc(faults, func(a, b sites.Fault) int {
		if (a.Line > 0) != (b.Line > 0) {
			return cmp.Compare(b.Line, a.Line) // those without a line last
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return faults
}
