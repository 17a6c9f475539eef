package main

import (
	"math"
	"path/filepath"
	"runtime"
	"time"
)

// Config is the worker's configuration. The table in config_keys.go names every key;
// LoadConfig fills it from file, environment and flags.
type Config struct {
	// Sites are site files, or folders of them.
	Sites []string
	// Database is an SQLite file or a postgres:// URL, which may hold a password.
	Database string
	// UserAgent is sent by sites that set none; "" is the one that names Ebb.
	UserAgent string
	// Cleanup are the cleanups of sites that say nothing of them, each as name=when.
	Cleanup []string

	Browser  BrowserConfig
	Egress   EgressConfig
	Pool     PoolConfig
	Timeouts TimeoutsConfig
	Memory   MemoryConfig
	History  HistoryConfig
	Alarms   AlarmsConfig
	Web      WebConfig
	Log      LogConfig
}

// AlarmsConfig says who is told of memory that grows from run to run, beside the log.
type AlarmsConfig struct {
	// Webhook is the http or https URL that gets each alarm; it may hold a token. "" is none.
	Webhook string
}

// WebConfig says where `ebb run` shows itself.
type WebConfig struct {
	// Listen is HOST:PORT of health, metrics and page; "" is nowhere.
	Listen string
	// Token must be sent with each request; "" asks for none.
	Token string
	// Pprof serves the profiles of the worker itself too.
	Pprof bool
}

// HistoryConfig says how long the database keeps what is over.
type HistoryConfig struct {
	// Keep is how long the pages of runs that have ended stay, and runs that were
	// skipped; 0 keeps all.
	Keep time.Duration
}

// BrowserConfig says which Chrome is started, and how.
type BrowserConfig struct {
	// Path is Chrome's executable; "" looks for one.
	Path string
	// User is the unprivileged user, by name or number, as whom Chrome runs when the
	// worker is root; "" chooses one.
	User string
	// Sandbox keeps Chrome's sandbox on.
	Sandbox bool
	// Flags are given to Chrome beside Ebb's own, each as --name or --name=value.
	Flags []string
}

// EgressConfig says what Chrome may reach, and by what way.
type EgressConfig struct {
	// Enabled puts a proxy between Chrome and the network that judges each address.
	Enabled bool
	// Allow and Deny are hosts and addresses, for all sites.
	Allow, Deny []string
	// Proxy is the URL of another proxy through which everything goes, which may hold a
	// password; "" is none. Direct are hosts that are reached without it.
	Proxy  string
	Direct []string
}

// tabCount is a number of tabs, or autoTabs.
type tabCount int

// autoTabs lets the number of tabs be found by measuring.
const autoTabs tabCount = math.MinInt

// bounds are how many tabs there are at first, and how many there may be: so many for each processor
// where that is to be found.
func (t tabCount) bounds() (begin, most int) {
	if t == autoTabs {
		return 2 * runtime.GOMAXPROCS(0), 4 * runtime.GOMAXPROCS(0)
	}
	return int(t), int(t)
}

// PoolConfig bounds what is open at once.
type PoolConfig struct {
	// Tabs is the number of tabs that runs may have open at once; autoTabs lets it be found.
	Tabs tabCount
	// Runs is the number of runs at work at once.
	Runs int
	// PagesPerBrowser is after how many pages a Chrome is replaced; 0 is never.
	PagesPerBrowser int
	// PagesPerContext is after how many pages a run gets another browser context; 0 is never.
	PagesPerContext int
	// PagesPerTab is after how many pages a tab is replaced; 0 is never.
	PagesPerTab int
	// GCPages is after how many pages a tab's garbage is collected; 0 is never.
	GCPages int
	// TabMemory is the memory of a tab's renderer from which its garbage is collected before, such as
	// 60m; "" is whatever it holds.
	TabMemory string
	// MaxAge is after how long a Chrome is replaced; 0 is never.
	MaxAge time.Duration
	// Idle is after how long without a run a Chrome is closed; 0 is never.
	Idle time.Duration
	// Failures is after how many failures in a row a Chrome is replaced; 0 is never.
	Failures int
}

// TimeoutsConfig bounds what the worker waits for.
type TimeoutsConfig struct {
	// Start bounds the start of a Chrome.
	Start time.Duration
	// Acquire bounds the wait for a free tab.
	Acquire time.Duration
	// Drain is how long running work may go on after SIGTERM.
	Drain time.Duration
	// Close bounds the orderly end of a Chrome, before it is killed.
	Close time.Duration
}

// MemoryConfig says what is measured, and where it is kept.
type MemoryConfig struct {
	// Profile is off, cheap or full.
	Profile string
	// Interval is the time between two ticks.
	Interval time.Duration
	// Recordings is the folder of the recordings.
	Recordings string
	// Keep is how many recordings stay; the oldest go first. 0 keeps all.
	Keep int
	// Limit is how much memory the worker and its Chromes may use together, such as 2g; "" is the
	// cgroup's limit, or else what the machine can give.
	Limit string
	// Control gives memory back, and lets runs wait, so that the limit is kept.
	Control bool
}

// LogConfig says what is logged to standard error.
type LogConfig struct {
	// Level is trace, debug, info, warn, error or disabled.
	Level string
	// Format is auto, console or json.
	Format string
}

// Default is the configuration before anything is read. It depends on the environment's
// folders for state.
func Default(getenv func(string) string) Config {
	state := stateFolder(getenv)
	return Config{
		Sites:    []string{"sites"},
		Database: filepath.Join(state, "ebb.db"),
		Browser:  BrowserConfig{Sandbox: true},
		Egress:   EgressConfig{Enabled: true},
		Pool:     PoolConfig{Tabs: autoTabs, Runs: 4, PagesPerBrowser: 1000, PagesPerContext: 1000, PagesPerTab: 500, GCPages: 2, TabMemory: "128m", MaxAge: 6 * time.Hour, Idle: 5 * time.Minute, Failures: 5},
		Timeouts: TimeoutsConfig{
			Start: 30 * time.Second, Acquire: 5 * time.Minute,
			Drain: 30 * time.Second, Close: 5 * time.Second,
		},
		Memory: MemoryConfig{
			Profile: "cheap", Interval: time.Second,
			Recordings: filepath.Join(state, "recordings"), Keep: 20, Control: true,
		},
		History: HistoryConfig{Keep: 30 * 24 * time.Hour},
		Log:     LogConfig{Level: "info", Format: "auto"},
	}
}

// stateFolder is where the worker keeps what outlives it: systemd's folder for the
// service, or else the one of the XDG specification.
func stateFolder(getenv func(string) string) string {
	if folders := filepath.SplitList(getenv("STATE_DIRECTORY")); len(folders) > 0 && folders[0] != "" {
		return folders[0]
	}
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "ebb")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "ebb")
	}
	return filepath.Join("/var", "lib", "ebb")
}
