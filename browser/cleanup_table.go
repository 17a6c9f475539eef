package browser

// cleanups is the table of all cleanups, in the order in which they are done.
var cleanups = []Cleanup{
	{
		Name: "cookies", Reach: ReachPlace, Carry: Resetting, run: cleanCookies,
		Touches: "the cookies of the run's hosts (all of them where the run has a browser context of its own)",
		How:     "Storage.getCookies, Network.deleteCookies; Storage.clearCookies",
		Warning: "logs the site out",
	},
	{
		Name: "local-storage", Reach: ReachPlace, Carry: Resetting, run: localStorageItems.clean,
		Touches: "localStorage of the run's origins, partitioned ones too",
		How:     "localStorage.clear() in an empty document that stands in for the origin",
		Warning: "reaches the disk some seconds later, and the pages that are open at once",
	},
	{
		Name: "session-storage", Reach: ReachTab, Carry: Resetting, run: cleanSessionStorage,
		Touches: "sessionStorage of the documents that are open in the tabs, with their frames",
		How:     "DOMStorage.clear for each frame",
		Warning: "what a tab keeps for an origin that it does not show now stays: only closing the tab ends it",
	},
	{
		Name: "indexeddb", Reach: ReachPlace, Carry: Resetting, run: databases.clean,
		Touches: "IndexedDB of the run's origins, partitioned ones too: on disk, or in the browser process's memory for a browser context of its own",
		How:     "Storage.clearDataForStorageKey indexeddb",
		Warning: "an open page can write again at once",
	},
	{
		Name: "service-workers", Reach: ReachPlace, Carry: Resetting, run: serviceWorkers.clean,
		Touches: "the service workers of the run's origins with their renderers and buffers, and their registrations",
		How:     "Storage.clearDataForStorageKey service_workers, which stops them too (ServiceWorker.unregister does not)",
		Warning: "the next visit installs the worker again and loads its files",
	},
	{
		Name: "cache-storage", Reach: ReachPlace, Carry: Resetting, run: caches.clean,
		Touches: "the caches (CacheStorage) of the run's origins, partitioned ones too",
		How:     "Storage.clearDataForStorageKey cache_storage",
		Warning: "the buffers of a running service worker stay: service-workers ends it",
	},
	{
		Name: "http-cache", Reach: ReachPlace, Carry: Resetting, run: cleanHTTPCache,
		Touches: "the HTTP cache of the whole browser context: on disk for the default one, else in the network process's memory",
		How:     "Network.clearBrowserCache",
		Warning: "for every site of the same browser context; what is loaded again costs the servers; in memory it can be checked only while a page is open",
	},
	{
		Name: "storage", Reach: ReachPlace, Carry: Resetting, run: cleanStorage,
		Touches: "all that the run's origins have stored, partitioned or not: cookies, localStorage, sessionStorage, IndexedDB, caches, service workers, file systems",
		How:     "Storage.clearDataForStorageKey all; cookies as above",
		Warning: "logs the site out; the HTTP cache stays",
	},
	{
		Name: "release-objects", Reach: ReachTab, Carry: Resetting, run: cleanObjects,
		Touches: "JavaScript objects that only DevTools holds: console messages and their arguments, object groups, network bodies",
		How:     "Runtime.discardConsoleEntries, Runtime.releaseObjectGroup, Log.clear, Network.disable",
	},
	{
		Name: "close-popups", Reach: ReachTab, Carry: Resetting, run: cleanPopups,
		Touches: "windows that pages opened, and pages that belong to nobody",
		How:     "Target.closeTarget",
		Warning: "there are none unless Chrome was started with KeepPopups",
	},
	{
		Name: "blank", Reach: ReachTab, Carry: Resetting, run: cleanBlank,
		Touches: "the documents, with all that they hold (heap, DOM, workers), and the session history; Ebb's Chrome keeps no back-forward cache",
		How:     "Page.navigate about:blank, Page.resetNavigationHistory",
		Warning: "memory comes back with the next collection only, and a part of it stays with the renderer",
	},
	{
		Name: "gc", Reach: ReachTab, Carry: Transient, run: cleanGC,
		Touches: "JavaScript and DOM garbage of the tabs and their workers",
		How:     "HeapProfiler.collectGarbage on each page, worker and frame of a process of its own",
		Warning: "about 5 ms for each MB of living heap, during which the page stands still",
	},
	{
		Name: "memory-pressure", Reach: ReachBrowser, Carry: Transient, run: cleanPressure,
		Touches: "nothing that could be measured",
		How:     "Memory.simulatePressureNotification critical",
		Warning: "Chromium does not act on it (156): it is here to be measured",
	},
	{
		Name: "recreate-page", Reach: ReachTab, Carry: Resetting, run: cleanPages,
		Touches: "the tabs with their renderers",
		How:     "Target.closeTarget",
		Warning: "windows that the tab opened outlive it",
	},
	{
		Name: "recreate-context", Reach: ReachPlace, Carry: Resetting, run: cleanContexts,
		Touches: "the browser context with its tabs, its storage and its caches",
		How:     "Target.disposeBrowserContext",
		Warning: "logs the site out; for isolation tab the lease must ask for a context of its own",
	},
	{
		Name: "restart-browser", Reach: ReachBrowser, Carry: Lasting, run: cleanBrowser,
		Touches: "all of Chrome, its profile included",
		How:     "a new Chrome for new runs; the old one closes when its last lease has come back",
		Warning: "everybody's kept tabs and cookies go with it",
	},
	{
		Name: "go-gc", Reach: ReachWorker, Carry: Transient,
		Touches: "garbage of Ebb itself, and memory that it holds and does not use",
		How:     "runtime.GC, runtime/debug.FreeOSMemory",
	},
	{
		Name: "results", Reach: ReachWorker, Carry: Resetting,
		Touches: "what Ebb itself keeps between runs and can have again: robots.txt files, the pace of hosts",
		How:     "dropped from its caches",
		Warning: "the next run asks each origin for its robots.txt again",
	},
}
