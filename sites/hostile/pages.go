package hostile

// Page is one bad page and what is true of it.
type Page struct {
	// Name is the page's, its site's and its path's.
	Name string
	// Does says in one sentence what it does.
	Does string
	// Class is the class with which its visit fails; "" where its item is taken.
	Class string

	body  string // of the bad page
	wait  string // of the site file. Default: dom
	limit string // of its page_timeout. Default: 30s
}

// Pages returns all pages.
func Pages() []Page {
	return []Page{
		{Name: "waiting", Does: "Waits until the test has done what it wants to do.", body: `<script src="begun"></script>`},
		{Name: "script-loop", Does: "Runs a script that does not end, while it loads.", Class: "hung", body: `<script>while (true);</script>`},
		{
			Name: "timer-loop", Does: "Runs a script that does not end, a moment after it has loaded.", Class: "hung",
			body: `<script>setTimeout(() => { while (true); }, 300)</script>`, wait: "{selector: '#never'}",
		},
		{Name: "dialog-loop", Does: "Opens one dialog after the other.", Class: "hung", body: `<script>while (true) alert("stay");</script>`},
		{
			Name: "popup-storm", Does: "Tries to open windows without end.",
			body: `<script>setInterval(() => { for (let n = 0; n < 20; n++) window.open("item/1?" + Math.random()) }, 1)</script>`, wait: "load",
		},
		{Name: "beforeunload", Does: "Asks to stay when it is left.", body: `<script>addEventListener("beforeunload", e => { e.preventDefault(); e.returnValue = "stay" }); onunload = () => { const end = Date.now() + 200; while (Date.now() < end); }</script>`},
		{Name: "redirect-loop", Does: "Redirects to itself without end.", Class: "http"},
		{
			Name: "moving", Does: "Leads on from document to document without end.", Class: "http",
			body: `<script>setTimeout(() => location.replace("bad?" + Math.random()), 20)</script>`, wait: "{selector: '#never'}",
		},
		{Name: "endless-document", Does: "Sends its document a little at a time, without end.", Class: "timeout", wait: "{event: dom, timeout: 2s}"},
		{Name: "endless-frame", Does: "Shows a frame whose document never ends.", Class: "timeout", wait: "{event: load, timeout: 2s}", body: `<iframe src=endless></iframe>`},
		{Name: "endless-script", Does: "Loads a script that never ends.", Class: "timeout", wait: "{event: dom, timeout: 2s}", body: `<script src=endless></script>`},
		{Name: "huge-announced", Does: "Sends a document of four gigabytes, and says so.", Class: "too-large"},
		{Name: "huge-streamed", Does: "Sends a document of gigabytes without saying so.", Class: "too-large"},
		{
			Name: "huge-data", Does: "Reads gigabytes that are sent without a length.", Class: "selector", wait: "{function: window.never, timeout: 2s}",
			body: `<script>fetch("huge").then(async r => { for await (const part of r.body) window.last = part })</script>`,
		},
		{Name: "million-nodes", Does: "Makes a million nodes.", limit: "2m", wait: "{function: window.done}", body: `<script>
const add = n => {
  const d = document.createElement("div");
  d.hidden = true; // their number is what is at stake, not their boxes
  for (let m = 0; m < 9999; m++) d.append(document.createElement("i"));
  document.body.append(d);
  if (n > 1) setTimeout(add, 0, n - 1); else window.done = true;
};
add(100);
</script>`},
		{Name: "websocket", Does: "Holds a WebSocket that never falls silent.", body: `<script>const s = new WebSocket("ws://" + location.host + "/websocket/socket"); s.onmessage = () => { document.title = "heard" }</script>`, wait: `{function: document.title === "heard"}`},
		{Name: "worker-loop", Does: "Runs a worker whose script does not end.", body: `<script>new Worker("loop.js")</script>`},
		{Name: "shared-worker-loop", Does: "Runs a shared worker whose script does not end.", body: `<script>new SharedWorker("loop.js")</script>`},
		{
			Name: "service-worker-loop", Does: "Runs a service worker whose script does not end once it is active.",
			body: `<script>navigator.serviceWorker.register("service.js").then(() => navigator.serviceWorker.ready).then(() => document.title = "ready")</script>`,
			wait: `{function: document.title === "ready"}`,
		},
	}
}

// Find returns the page of a name.
func Find(name string) (Page, bool) {
	for _, p := range Pages() {
		if p.Name == name {
			return p, true
		}
	}
	return Page{}, false
}
