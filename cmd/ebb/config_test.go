package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ebbworker/ebb/sites"
)

// noEnvironment is an environment without variables.
func noEnvironment(string) string { return "" }

// load reads a configuration from text, as --config - does.
func load(text string, sets ...string) (*Settings, error) {
	sources := ConfigSources{Path: "-", Stdin: strings.NewReader(text), Getenv: noEnvironment}
	for _, set := range sets {
		sources.Settings = append(sources.Settings, Setting{Text: set, Origin: "--set"})
	}
	return LoadConfig(sources)
}

func TestEveryFieldHasAKeyAndEveryKeyAField(t *testing.T) {
	var config Config
	fields := map[any]string{}
	var walk func(value reflect.Value, path string)
	walk = func(value reflect.Value, path string) {
		for i := range value.NumField() {
			field := value.Field(i)
			name := strings.TrimPrefix(path+"."+value.Type().Field(i).Name, ".")
			if field.Kind() == reflect.Struct {
				walk(field, name)
				continue
			}
			fields[field.Addr().Interface()] = name
		}
	}
	walk(reflect.ValueOf(&config).Elem(), "")
	for _, key := range configKeys {
		name, found := fields[key.field(&config)]
		require.True(t, found, "%s has a field of its own", key.path)
		require.Equal(t, strings.ToLower(name), strings.ReplaceAll(key.path, "_", ""))
		require.NotEmpty(t, key.help)
		delete(fields, key.field(&config))
	}
	require.Empty(t, fields, "fields without a key")
}

func TestDefaultsArePossible(t *testing.T) {
	settings, err := load("")
	require.NoError(t, err)
	require.Equal(t, Default(noEnvironment), settings.Config)
	for _, key := range configKeys {
		require.True(t, settings.IsDefault(key.path))
	}
	require.Equal(t, "/var/lib/ebb/ebb.db", settings.Database)
}

func TestAllTypesFromFileEnvironmentAndFlag(t *testing.T) {
	want := map[string]any{
		"browser.flags": []string{"--a=1,2", "--b"}, "browser.sandbox": false, "pool.tabs": tabCount(12),
		"timeouts.drain": 90 * time.Second, "log.level": "warn",
	}
	texts := map[string]string{
		"browser.flags": `["--a=1,2", --b]`, "browser.sandbox": "false", "pool.tabs": "12",
		"timeouts.drain": "1m30s", "log.level": "warn",
	}
	for path, value := range want {
		section, name, _ := strings.Cut(path, ".")
		fromFile, err := load(section + ":\n  " + name + ": " + texts[path])
		require.NoError(t, err)
		fromFlag, err := load("", path+"="+texts[path])
		require.NoError(t, err)
		key := findKey(path)
		fromEnv, err := LoadConfig(ConfigSources{Path: "-", Stdin: strings.NewReader(""), Getenv: func(name string) string {
			if name == key.env() {
				return texts[path]
			}
			return ""
		}})
		require.NoError(t, err)
		for _, settings := range []*Settings{fromFile, fromFlag, fromEnv} {
			require.Equal(t, value, reflect.ValueOf(key.field(&settings.Config)).Elem().Interface(), path)
		}
		require.Equal(t, "stdin:2:"+map[string]string{
			"browser.flags": "10", "browser.sandbox": "12", "pool.tabs": "9", "timeouts.drain": "10", "log.level": "10",
		}[path], fromFile.Origin(path))
		require.Equal(t, "env "+key.env(), fromEnv.Origin(path))
		require.Equal(t, "flag --set", fromFlag.Origin(path))
	}
}

// possible and impossible configurations; the fault is what the loader says.
var configCases = []struct {
	name, text, fault string
	loaderOnly        bool // a schema cannot say it
}{
	{name: "empty"},
	{name: "comment", text: "# later\n"},
	{name: "empty section", text: "pool:\n"},
	{name: "full", text: "sites: [a, b]\npool: {tabs: 3, runs: 2, pages_per_browser: 0, max_age: 0s, idle: 90s, failures: 0}\ntimeouts: {drain: 0s, acquire: 1h30m, close: 1.5s}\n"},
	{name: "postgres", text: "database: postgres://u@h/d\n"},
	{name: "text", text: "just text", fault: "stdin:1:1: it is a text; keys with values, such as sites:"},
	{name: "list", text: "- a", fault: "stdin:1:1: it is a list"},
	{name: "no sites", text: "sites: []", fault: "stdin:1:8: sites: it is empty; at least one text"},
	{name: "blank site", text: "sites: ['']", fault: "stdin:1:8: sites: it is empty"},
	{name: "sites as map", text: "sites: {a: b}", fault: "stdin:1:8: sites: it is a section; give a list of texts"},
	{name: "null site", text: "sites: [a, ~]", fault: "stdin:1:8: sites: element 2 is nothing; give a list of texts"},
	{name: "no database", text: "database: ''", fault: "database: it is empty"},
	{name: "other database", text: "database: mysql://x", fault: `database: there is no database "mysql://"`, loaderOnly: true},
	{name: "tabs 0", text: "pool: {tabs: 0}", fault: "stdin:1:14: pool.tabs: 0 is out of range; from 1 to 1024, or auto"},
	{name: "tabs many", text: "pool: {tabs: 1025}", fault: "1025 is out of range"},
	{name: "tabs half", text: "pool: {tabs: 1.5}", fault: `pool.tabs: "1.5" is a number; give a whole number or auto`},
	{name: "tabs huge", text: "pool: {tabs: 99999999999999999999}", fault: "pool.tabs: "},
	{name: "runs", text: "pool: {runs: 0}", fault: "pool.runs: 0 is out of range"},
	{name: "pages", text: "pool: {pages_per_browser: -1}", fault: "-1 is out of range"},
	{name: "age", text: "pool: {max_age: -1s}", fault: "pool.max_age: -1s is out of range; from 0s"},
	{name: "idle", text: "pool: {idle: 5}", fault: "pool.idle: 5 has no unit"},
	{name: "failures", text: "pool: {failures: -1}", fault: "pool.failures: -1 is out of range"},
	{name: "section as list", text: "pool: [tabs]", fault: "stdin:1:7: pool: it is a list; keys with values, such as tabs:"},
	{name: "memory", text: "memory: {limit: 1.5GiB, control: false}\n"},
	{name: "memory limit", text: "memory: {limit: lots}", fault: `memory.limit: "lots" is not a size; write 512m, 2g or 1.5GiB`},
	{name: "memory limit without unit", text: "memory: {limit: '700'}", fault: "memory.limit: 700 has no unit; 700m or 700g"},
	{name: "no unit", text: "timeouts: {drain: 30}", fault: "timeouts.drain: 30 has no unit; 30s or 30m"},
	{name: "negative", text: "timeouts: {drain: -3s}", fault: "timeouts.drain: -3s is out of range; from 0s to 24h"},
	{name: "too short", text: "timeouts: {close: 1ms}", fault: "timeouts.close: 1ms is out of range; from 100ms to 1h", loaderOnly: true},
	{name: "profile", text: "memory: {profile: all}", fault: `memory.profile: "all" is not possible; one of off, cheap, full`},
	{name: "profile as switch", text: "memory: {profile: true}", fault: `memory.profile: "true" is not possible`},
	{name: "interval", text: "memory: {interval: 1x}", fault: `"1x" is not a duration`},
	{name: "keep", text: "memory: {keep: few}", fault: `memory.keep: "few" is a text; give a whole number`},
	{name: "sandbox", text: "browser: {sandbox: 'yes'}", fault: `browser.sandbox: "yes" is a text; give true or false`},
	{name: "root", text: "browser: {user: root}", fault: "browser.user: Chrome's sandbox does not work as root"},
	{name: "flag", text: "browser: {flags: [mute]}", fault: `browser.flags: "mute" is not a flag; --name or --name=value`},
	{name: "owned flag", text: "browser: {flags: [--user-data-dir=/x]}", fault: "--user-data-dir is not for here", loaderOnly: true},
	{name: "agent", text: `user_agent: "a\nb"`, fault: "user_agent: a header takes visible ASCII characters only"},
	{name: "long agent", text: "user_agent: " + strings.Repeat("x", 513), fault: "user_agent: it has 513 characters; at most 512"},
	{name: "null", text: "database:", fault: "database: it has no value"},
	{name: "unknown", text: "tabs: 3", fault: "stdin:1:1: tabs: there is no such key; did you mean pool.tabs?"},
	{name: "unknown deep", text: "log: {colour: 1}", fault: "log.colour: there is no such key; possible here: level, format"},
	{name: "key in capitals", text: "Pool: {tabs: 1}", fault: "Pool: there is no such key; did you mean pool?"},
	{name: "alias", text: "sites: &s [a]\nlog: {level: *s}", fault: "log.level: it is a list; give a text"},
	{name: "twice", text: "sites: a\nsites: b", fault: "stdin:2:1: sites: the key is here a second time, after line 1", loaderOnly: true},
	{name: "tab", text: "pool:\n\ttabs: 1", fault: "stdin:2:1: it is not YAML: ", loaderOnly: true},
}

func TestConfigurations(t *testing.T) {
	schema, err := configSchema().Resolve(nil)
	require.NoError(t, err)
	for _, c := range configCases {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(c.text)
			if c.fault == "" {
				require.NoError(t, err)
			} else {
				var faults sites.Faults
				require.ErrorAs(t, err, &faults)
				require.Len(t, faults, 1)
				require.Contains(t, err.Error(), c.fault)
			}
			if c.loaderOnly {
				return
			}
			var documents []any
			require.NoError(t, yaml.Load([]byte(c.text), &documents, yaml.WithAllDocuments()))
			document := any(nil)
			if len(documents) > 0 {
				document = documents[0]
			}
			if err := schema.Validate(document); c.fault == "" {
				require.NoError(t, err)
			} else {
				require.Error(t, err, "the schema refuses it as well")
			}
		})
	}
}

func TestSchemaIsStableJSON(t *testing.T) {
	data, err := ConfigSchema()
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(data, &schema))
	require.Equal(t, `"cheap"`, string(schema.Properties["memory"].Properties["profile"].Default))
	require.Contains(t, schema.Properties["pool"].Properties["tabs"].Description, "two for each CPU")
	require.Equal(t, `"auto"`, string(schema.Properties["pool"].Properties["tabs"].Default))
	require.Contains(t, schema.Properties["memory"].Properties["recordings"].Description, "Default: recordings in")
	require.Nil(t, schema.Properties["memory"].Properties["recordings"].Default)
	again, err := ConfigSchema()
	require.NoError(t, err)
	require.Equal(t, data, again)
}

func TestConfigFileIsBounded(t *testing.T) {
	_, err := load(strings.Repeat("#", configFileLimit))
	require.NoError(t, err)
	_, err = load(strings.Repeat("#", configFileLimit+1))
	require.ErrorContains(t, err, "it has 1048577 bytes; at most 1048576")
}

func TestPathsInAFileAreRelativeToIt(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "ebb.yaml")
	t.Setenv("HOME", "/home/me")
	text := "sites: [sub, /abs, ~/mine]\ndatabase: x.db\nmemory: {recordings: rec}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	settings, err := LoadConfig(ConfigSources{Path: file, Getenv: noEnvironment})
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(folder, "sub"), "/abs", "/home/me/mine"}, settings.Sites)
	require.Equal(t, filepath.Join(folder, "x.db"), settings.Database)
	require.Equal(t, filepath.Join(folder, "rec"), settings.Memory.Recordings)
	for _, untouched := range []string{":memory:", "file:x.db?mode=ro", "postgres://h/d"} {
		require.Equal(t, untouched, absolute(folder, untouched))
	}
}

func TestMaskPassword(t *testing.T) {
	for text, want := range map[string]string{
		"ebb.db":                               "ebb.db",
		"postgres://u:p@h/d":                   "postgres://u:xxxxx@h/d",
		"postgres://u@h/d":                     "postgres://u@h/d",
		"postgres://h/d?user=u&password=p%20q": "postgres://h/d?user=u&password=xxxxx",
		"postgres://h/d?Password=p":            "postgres://h/d?Password=xxxxx",
		"postgres://u:p%zz@h/d":                "postgres://xxxxx",
	} {
		require.Equal(t, want, maskPassword(text))
	}
}

func TestShortDuration(t *testing.T) {
	for text, want := range map[string]string{"5m": "5m", "1h": "1h", "90s": "1m30s", "1h0m5s": "1h0m5s", "0": "0s", "10m": "10m", "250ms": "250ms"} {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		require.Equal(t, want, shortDuration(d))
	}
}

func TestNearest(t *testing.T) {
	names := []string{"tabs", "runs", "pages_per_browser"}
	for word, want := range map[string]string{"tab": "tabs", "TABS": "tabs", "run": "runs", "xyz": "", "": ""} {
		require.Equal(t, want, nearest(word, names), word)
	}
}

func TestListsOfTheEnvironment(t *testing.T) {
	for text, want := range map[string][]string{
		"a,b": {"a", "b"}, " a , ,b ": {"a", "b"}, "[a, 'b,c']": {"a", "b,c"}, "": {}, "[]": {},
	} {
		var list []string
		require.NoError(t, setText(&list, text))
		require.Equal(t, want, list, text)
	}
	var list []string
	require.ErrorContains(t, setText(&list, "[a"), "is not a list; write it as [one, two] or one,two")
}

func TestFaultsStandInTheOrderOfTheText(t *testing.T) {
	_, err := load("log: {level: loud}\nnothing: 1\npool: {tabs: 0}\nmore: 1\n", "pool.x=1", "log.format=x")
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		place, _, _ := strings.Cut(line, ": ")
		lines = append(lines, place)
	}
	require.Equal(t, []string{"stdin:1:14", "stdin:2:1", "stdin:3:14", "stdin:4:1", "--set", "--set"}, lines)
}

// A schema cannot tell how much a size is.
func TestAMemoryLimitThatIsTooLittle(t *testing.T) {
	sources := ConfigSources{Getenv: func(string) string { return "" }, Settings: []Setting{{Text: "memory.limit=200m", Origin: "--set"}}}
	_, err := LoadConfig(sources)
	require.ErrorContains(t, err, "memory.limit: 200m is too little for the worker and a Chrome; at least 256 MB")
}
