package leaky

import (
	"fmt"
	"net/http"
)

// The tasks are two pages that are worked at the same time. TaskBuild takes BuildBytes some time
// after it has begun, and gives them back at its end; TaskScan does little, begins later and ends
// earlier: it is the last to begin before memory rises, and the last to end while it does.
const (
	TaskScan  = "scan"
	TaskBuild = "build"

	BuildBytes = 100 << 20
)

// taskPage is a task: it waits, takes some memory step by step, holds it, and gives it back.
const taskPage = `<!doctype html><meta charset="utf-8"><title>%[1]s</title><h1>%[1]s</h1>
<script>
"use strict";
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
(async () => {
  const steps = 20, size = %[2]d;
  await pause(%[3]d);
  const buffer = new ArrayBuffer(0, {maxByteLength: size});
  for (let i = 1; i <= steps; i++) {
    buffer.resize(size / steps * i);
    new Uint8Array(buffer, size / steps * (i - 1)).fill(1);
    await pause(%[4]d / steps);
  }
  buffer.resize(0);
  document.body.dataset.done = "";
})();
</script>`

// serveTask is the page of a task.
func serveTask(w http.ResponseWriter, r *http.Request) {
	task := r.PathValue("task")
	size, wait, growth := 0, 0, 0 // milliseconds
	switch task {
	case TaskScan:
		size, wait, growth = 4<<20, 0, 900
	case TaskBuild:
		size, wait, growth = BuildBytes, 700, 1500
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprintf(w, taskPage, task, size, wait, growth)
}

// TaskSite is the site file of a task.
func (s *Server) TaskSite(task, baseURL string) []byte {
	return fmt.Appendf(nil, `name: %s
start: %s/tasks/%s/
isolation: tab
limits: {rate: none}
templates:
  - name: task
    wait: {selector: "body[data-done]"}
    items:
      - fields: {title: h1}
`, task, baseURL, task)
}
