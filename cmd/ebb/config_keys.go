package main

import (
	"strings"
	"time"

	"github.com/ebbworker/ebb/worker/budget"
)

// A configKey is one row of the configuration's table: file, environment, --set,
// schema and `config print` all follow from it.
type configKey struct {
	// path is the key as it is written: pool.tabs.
	path string
	// help says what the value is, with its unit.
	help string
	// field is the value in a Config: *string, *[]string, *bool, *int, *tabCount
	// or *time.Duration.
	field func(*Config) any
	// check says what is wrong with a value; nil accepts every one.
	check valueCheck
	// files marks paths, which a configuration file gives relative to itself.
	files bool
	// secret marks a value that may hold a password.
	secret bool
	// mask writes a secret without what is secret; nil masks the password of a URL.
	mask func(string) string
	// machine says how the default follows from the machine, where it does.
	machine string
}

// configKeys are all keys, in the order of `config print`.
var configKeys = []configKey{
	{
		path: "sites", help: "Site files, or folders of them.", files: true, check: filled{},
		field: func(c *Config) any { return &c.Sites },
	},
	{
		path: "database", help: "SQLite file, or URL of a PostgreSQL database (postgres://...).",
		files: true, secret: true, check: databaseName{}, machine: "ebb.db in the folder for state",
		field: func(c *Config) any { return &c.Database },
	},
	{
		path: "user_agent", help: "User agent of sites that set none. Empty: the one that names Ebb.",
		check: headerText{}, field: func(c *Config) any { return &c.UserAgent },
	},
	{
		path: "cleanup", help: "Cleanups of sites that say nothing of them, each NAME or NAME=WHEN: page, run, cycle, every N pages, off.",
		check: cleanupRules{}, field: func(c *Config) any { return &c.Cleanup },
	},

	{
		path: "browser.path", help: "Chrome's executable. Empty: looked for.", files: true,
		field: func(c *Config) any { return &c.Browser.Path },
	},
	{
		path: "browser.user", help: "Unprivileged user (name or number) that Chrome runs as when the worker is root. Empty: chosen.",
		check: notRoot{}, field: func(c *Config) any { return &c.Browser.User },
	},
	{
		path: "browser.sandbox", help: "Keep Chrome's sandbox on. Off is for trusted pages only.",
		field: func(c *Config) any { return &c.Browser.Sandbox },
	},
	{
		path: "browser.flags", help: "Flags given to Chrome beside Ebb's own, --name or --name=value; lists of features are added.",
		check: chromeFlags{}, field: func(c *Config) any { return &c.Browser.Flags },
	},

	{
		path: "egress.enabled", help: "Let Chrome and the fetching of robots.txt reach only what they may. Off is for trusted pages only.",
		field: func(c *Config) any { return &c.Egress.Enabled },
	},
	{
		path: "egress.allow", help: "Hosts, *.names, addresses, ranges (10.0.0.0/8), each host with :port or without, that every site may reach although they are not public.",
		check: egressRules{}, field: func(c *Config) any { return &c.Egress.Allow },
	},
	{
		path: "egress.deny", help: "The same for what no site may reach. *: what is not allowed by name.",
		check: egressRules{}, field: func(c *Config) any { return &c.Egress.Deny },
	},
	{
		path: "egress.proxy", help: "Proxy through which everything goes: http://user:password@host:port, or https. Empty: none.",
		secret: true, check: proxyURL{}, field: func(c *Config) any { return &c.Egress.Proxy },
	},
	{
		path: "egress.direct", help: "Hosts and addresses that are reached without egress.proxy, written as in egress.allow.",
		check: egressRules{}, field: func(c *Config) any { return &c.Egress.Direct },
	},

	{
		path: "pool.tabs", help: "Number of tabs that runs may have open at once. auto: found by measuring, from two for each CPU, four at most.", check: tabsBetween{1, 1024},
		field: func(c *Config) any { return &c.Pool.Tabs },
	},
	{
		path: "pool.runs", help: "Number of runs at work at once.", check: between{1, 1024},
		field: func(c *Config) any { return &c.Pool.Runs },
	},
	{
		path: "pool.pages_per_browser", help: "Pages after which a Chrome is replaced. 0: never.", check: between{0, 100_000_000},
		field: func(c *Config) any { return &c.Pool.PagesPerBrowser },
	},
	{
		path: "pool.pages_per_context", help: "Pages after which a run without steps goes on in a new browser context, with its cookies. 0: never.", check: between{0, 100_000_000},
		field: func(c *Config) any { return &c.Pool.PagesPerContext },
	},
	{
		path: "pool.pages_per_tab", help: "Pages after which a tab of a site without steps is replaced. 0: never.", check: between{0, 1_000_000},
		field: func(c *Config) any { return &c.Pool.PagesPerTab },
	},
	{
		path: "pool.gc_pages", help: "Pages after which a tab's garbage is collected. 0: when V8 likes.", check: between{0, 1_000_000},
		field: func(c *Config) any { return &c.Pool.GCPages },
	},
	{
		path: "pool.tab_memory", help: "Memory of a tab's renderer from which it is collected thoroughly: 128m. Empty: whatever it holds.",
		check: memorySize{least: 16 << 20, whose: "a renderer"}, field: func(c *Config) any { return &c.Pool.TabMemory },
	},
	{
		path: "pool.max_age", help: "Time after which a Chrome is replaced. 0s: never.", check: lasting{0, 365 * 24 * time.Hour},
		field: func(c *Config) any { return &c.Pool.MaxAge },
	},
	{
		path: "pool.idle", help: "Time without a run after which Chrome is closed; the next run starts it. 0s: never.", check: lasting{0, 365 * 24 * time.Hour},
		field: func(c *Config) any { return &c.Pool.Idle },
	},
	{
		path: "pool.failures", help: "Crashes and hangs in a row after which a Chrome is replaced. 0: never.", check: between{0, 1_000_000},
		field: func(c *Config) any { return &c.Pool.Failures },
	},

	{
		path: "timeouts.start", help: "Bound on the start of a Chrome.", check: lasting{time.Second, time.Hour},
		field: func(c *Config) any { return &c.Timeouts.Start },
	},
	{
		path: "timeouts.acquire", help: "Bound on the wait for a free tab.", check: lasting{time.Second, 24 * time.Hour},
		field: func(c *Config) any { return &c.Timeouts.Acquire },
	},
	{
		path: "timeouts.drain", help: "How long running work may go on after SIGTERM.", check: lasting{0, 24 * time.Hour},
		field: func(c *Config) any { return &c.Timeouts.Drain },
	},
	{
		path: "timeouts.close", help: "Bound on the orderly end of a Chrome, before it is killed.",
		check: lasting{100 * time.Millisecond, time.Hour},
		field: func(c *Config) any { return &c.Timeouts.Close },
	},

	{
		path: "memory.profile", help: "What is measured.", check: oneOf{"off", "cheap", "full"},
		field: func(c *Config) any { return &c.Memory.Profile },
	},
	{
		path: "memory.interval", help: "Time between two ticks; 5s at least while no run is at work.", check: lasting{100 * time.Millisecond, time.Hour},
		field: func(c *Config) any { return &c.Memory.Interval },
	},
	{
		path: "memory.recordings", help: "Folder of the recordings.", files: true, check: filled{}, machine: "recordings in the folder for state",
		field: func(c *Config) any { return &c.Memory.Recordings },
	},
	{
		path: "memory.keep", help: "How many recordings stay; the oldest go first. 0: all.", check: between{0, 1_000_000},
		field: func(c *Config) any { return &c.Memory.Keep },
	},
	{
		path: "memory.limit", help: "Memory that the worker and its Chromes may use together: 700m, 2g. Empty: the cgroup's limit, or else what the machine can give.",
		check: memorySize{least: budget.Least, whose: "the worker and a Chrome"}, field: func(c *Config) any { return &c.Memory.Limit },
	},
	{
		path: "memory.control", help: "Give memory back, and let runs wait, so that the limit is kept.",
		field: func(c *Config) any { return &c.Memory.Control },
	},

	{
		path: "history.keep", help: "How long the pages of runs that have ended stay in the database, and runs that were skipped. Items and runs stay. 0s: for ever.",
		check: lasting{0, 100 * 365 * 24 * time.Hour}, field: func(c *Config) any { return &c.History.Keep },
	},

	{
		path: "alarms.webhook", help: "URL (http or https) that gets each alarm of growing memory as JSON, by POST; it may hold a token. Empty: none.",
		secret: true, mask: maskURL, check: webhookURL{}, field: func(c *Config) any { return &c.Alarms.Webhook },
	},

	{
		path: "web.listen", help: "HOST:PORT where `ebb run` serves health, metrics and a page. Empty: nowhere. An address that other machines reach needs web.token.",
		check: listenAddress{}, field: func(c *Config) any { return &c.Web.Listen },
	},
	{
		path: "web.token", help: "Token that every request must bring, but those for /healthz and /readyz: visible ASCII, 16 characters or more. Empty: none is asked for.",
		secret: true, mask: maskAll, check: tokenText{}, field: func(c *Config) any { return &c.Web.Token },
	},
	{
		path: "web.pprof", help: "Serve the profiles of the worker itself below /debug/pprof/.",
		field: func(c *Config) any { return &c.Web.Pprof },
	},

	{
		path: "log.level", help: "What is logged.", check: oneOf{"trace", "debug", "info", "warn", "error", "disabled"},
		field: func(c *Config) any { return &c.Log.Level },
	},
	{
		path: "log.format", help: "How it is logged. auto: console on a terminal, json otherwise.", check: oneOf{"auto", "console", "json"},
		field: func(c *Config) any { return &c.Log.Format },
	},
}

// env is the key's environment variable: EBB_POOL_TABS.
func (k configKey) env() string {
	return "EBB_" + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// findKey is the row of a path, or nil.
func findKey(path string) *configKey {
	for i := range configKeys {
		if configKeys[i].path == path {
			return &configKeys[i]
		}
	}
	return nil
}
