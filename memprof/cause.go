package memprof

// Cause is one of a fixed vocabulary of what makes memory grow.
type Cause string

// The causes.
const (
	CauseJSHeap          Cause = "js-heap"
	CauseDOMNodes        Cause = "dom-nodes"
	CauseListeners       Cause = "event-listeners"
	CauseArrayBuffers    Cause = "array-buffers"
	CauseWasm            Cause = "wasm"
	CauseBlobs           Cause = "blobs"
	CauseCanvas          Cause = "canvas-gpu"
	CauseIframes         Cause = "iframes"
	CauseWorkers         Cause = "workers"
	CauseServiceWorker   Cause = "service-worker"
	CauseWebSockets      Cause = "websockets"
	CausePagesOpen       Cause = "pages-open"
	CauseContextsOpen    Cause = "contexts-open"
	CauseHandles         Cause = "cdp-handles"
	CauseIndexedDB       Cause = "indexeddb"
	CauseLocalStorage    Cause = "local-storage"
	CauseCacheStorage    Cause = "cache-storage"
	CauseHTTPCache       Cause = "http-cache"
	CauseCookies         Cause = "cookies"
	CauseProfileDisk     Cause = "profile-disk"
	CauseBrowserProcess  Cause = "browser-process"
	CauseGPUProcess      Cause = "gpu-process"
	CauseNetworkProcess  Cause = "network-process"
	CauseGoHeap          Cause = "go-heap"
	CauseGoroutines      Cause = "goroutines"
	CauseFileDescriptors Cause = "file-descriptors"
	CauseSpike           Cause = "spike"
	CauseNone            Cause = "none"
	CauseUnknown         Cause = "unknown"
)

// Finding is one cause with its evidence.
type Finding struct {
	Cause Cause `json:"cause"`
	// Detail narrows it: "detached", "attached", the opener of popups, a class.
	Detail string `json:"detail,omitempty"`
	// Bytes is how much of the growth per cycle it explains, in bytes; an estimate where the
	// evidence is a count.
	Bytes float64 `json:"bytes_per_cycle"`
	// Certain says that nothing else explains the evidence.
	Certain bool `json:"certain"`
	// Evidence is what was read, in words.
	Evidence []string `json:"evidence"`
	Site     string   `json:"site,omitempty"`
	Origin   string   `json:"origin,omitempty"`
	Process  string   `json:"process,omitempty"`

	// Of is the series that shows it best; the zero one where that is memory.
	Of Series `json:"-"`
}
