package bench

// Comparison is what is compared pairwise: the first arm is what the others are held against.
type Comparison struct {
	// Name is its name in the figures and, but for the first comparison's, its flag.
	Name string
	// Says is what the flag's help says of it.
	Says string
	Arms []Arm
}

// Limit compares Ebb with the bare loop.
var Limit = Comparison{
	Name: "limit",
	Arms: []Arm{{Name: "bare", Level: LevelBare}, {Name: "crawl", Level: LevelCrawl}, {Name: "whole", Level: LevelWhole}},
}

// Settings are the settings that are compared, each by its flag. A new one is a row here.
var Settings = []Comparison{
	{
		Name: "profile-levels", Says: "compare a whole worker with memory profiling off, cheap and full",
		Arms: []Arm{
			{Name: "off", Level: LevelWhole, Set: []string{"memory.profile=off"}},
			{Name: "cheap", Level: LevelWhole, Set: []string{"memory.profile=cheap"}},
			{Name: "full", Level: LevelWhole, Set: []string{"memory.profile=full"}},
		},
	},
	{
		Name: "egress", Says: "compare a whole worker without and with the egress guard",
		Arms: []Arm{
			{Name: "without", Level: LevelWhole, Set: []string{"egress.enabled=false"}},
			{Name: "with", Level: LevelWhole, Set: []string{"egress.enabled=true"}},
		},
	},
	{
		Name: "isolation", Says: "compare what tabs share: tab, page, context, browser",
		Arms: []Arm{
			{Name: "tab", Level: LevelCrawl, Isolation: "tab"},
			{Name: "page", Level: LevelCrawl, Isolation: "page"},
			{Name: "context", Level: LevelCrawl, Isolation: "context"},
			{Name: "browser", Level: LevelCrawl, Isolation: "browser"},
		},
	},
	{
		Name: "frames", Says: "compare pages that are always drawn with lazily drawn ones",
		Arms: []Arm{
			{Name: "on", Level: LevelCrawl, Frames: "on"},
			{Name: "lazy", Level: LevelCrawl, Frames: "lazy"},
		},
	},
	{
		Name: "tab-memory", Says: "compare collecting garbage of tabs never, by memory, by pages",
		Arms: []Arm{
			{Name: "never", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0", "pool.gc_pages=0", "pool.tab_memory="}},
			{Name: "128m", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0", "pool.gc_pages=0", "pool.tab_memory=128m"}},
			{Name: "60m", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0", "pool.gc_pages=0", "pool.tab_memory=60m"}},
			{Name: "50 pages", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0", "pool.gc_pages=50", "pool.tab_memory="}},
		},
	},
	{
		Name: "tab-pages", Says: "compare tabs that are never replaced with those that are, by pages",
		Arms: []Arm{
			{Name: "never", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=0", "pool.tab_memory="}},
			{Name: "25", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=25", "pool.tab_memory="}},
			{Name: "50", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=50", "pool.tab_memory="}},
			{Name: "100", Level: LevelCrawl, Set: []string{"pool.pages_per_tab=100", "pool.tab_memory="}},
		},
	},
	{
		Name: "renderers", Says: "compare a renderer for each tab with two, and with one, for all of them",
		Arms: []Arm{
			{Name: "each", Level: LevelCrawl},
			{Name: "two", Level: LevelCrawl, Set: []string{"browser.flags=--renderer-process-limit=2"}},
			{Name: "one", Level: LevelCrawl, Set: []string{"browser.flags=--renderer-process-limit=1"}},
		},
	},
}
