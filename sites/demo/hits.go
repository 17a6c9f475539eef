package demo

import (
	"maps"
	"net/http"
	"sync"
)

// hitPaths bounds the number of paths that are counted one by one.
const hitPaths = 4096

// morePaths stands for the paths beyond that.
const morePaths = "(more)"

// hits counts requests by path.
type hits struct {
	mu    sync.Mutex // owns paths
	paths map[string]int
}

// count counts each request before next answers it.
func (h *hits) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.add(r.URL.Path)
		next.ServeHTTP(w, r)
	})
}

func (h *hits) add(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.paths == nil {
		h.paths = map[string]int{}
	}
	if _, known := h.paths[path]; !known && len(h.paths) >= hitPaths {
		path = morePaths
	}
	h.paths[path]++
}

func (h *hits) snapshot() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.paths)
}
