package hostile

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the handshake of a WebSocket asks for it
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler serves all pages.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{page}/{$}", s.count(serveStart))
	mux.HandleFunc("GET /{page}/item/{number}", s.count(serveItem))
	mux.HandleFunc("GET /{page}/bad", s.count(s.serveBad))
	mux.HandleFunc("GET /{page}/begun", s.serveBegun)
	mux.HandleFunc("GET /{page}/endless", serveEndless)
	mux.HandleFunc("GET /{page}/huge", func(w http.ResponseWriter, r *http.Request) { serveHuge(w, r, "application/octet-stream") })
	mux.HandleFunc("GET /{page}/loop.js", script("while (true);"))
	mux.HandleFunc("GET /{page}/service.js", script("addEventListener('activate', () => setTimeout(() => { while (true); }, 50))"))
	mux.HandleFunc("GET /{page}/socket", serveSocket)
	return mux
}

func (s *Server) count(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked[r.URL.Path]++
		s.mu.Unlock()
		next(w, r)
	}
}

// serveStart leads to the bad page among the healthy ones.
func serveStart(w http.ResponseWriter, r *http.Request) {
	var links []string
	for n := range Items {
		links = append(links, fmt.Sprintf("item/%d", n+1))
	}
	links = append(links[:2], append([]string{"bad"}, links[2:]...)...)
	document(w, r.PathValue("page"), "", links...)
}

func serveItem(w http.ResponseWriter, r *http.Request) {
	document(w, r.PathValue("page")+" item "+r.PathValue("number"), "")
}

// serveBad is the bad page.
func (s *Server) serveBad(w http.ResponseWriter, r *http.Request) {
	once(s, s.served, r.PathValue("page"))
	p, ok := Find(r.PathValue("page"))
	switch {
	case !ok:
		http.NotFound(w, r)
	case p.Name == "redirect-loop":
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		http.Redirect(w, r, fmt.Sprintf("bad?n=%d", n+1), http.StatusFound)
	case p.Name == "huge-announced":
		w.Header().Set("Content-Length", strconv.Itoa(4<<30))
		serveHuge(w, r, "text/html")
	case p.Name == "huge-streamed":
		serveHuge(w, r, "text/html")
	case p.Name == "endless-document":
		serveEndless(w, r)
	default:
		document(w, p.Name+" bad", p.body)
	}
}

// serveBegun lets a page wait while the test does something, the first time.
func (s *Server) serveBegun(w http.ResponseWriter, r *http.Request) {
	once(s, s.on, r.PathValue("page"))
	w.Header().Set("Content-Type", "text/javascript")
}

// once does what is named for a page, the first time.
func once(s *Server, what map[string]func(), page string) {
	s.mu.Lock()
	do := what[page]
	delete(what, page)
	s.mu.Unlock()
	if do != nil {
		do()
	}
}

func script(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(text))
	}
}

// endlessPause is the time between two parts of an answer that never ends.
const endlessPause = 50 * time.Millisecond

// serveEndless sends a little now and then until the client has gone.
func serveEndless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(endlessPause)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte(" ")); err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// serveHuge sends four gigabytes, as fast as they are taken.
func serveHuge(w http.ResponseWriter, r *http.Request, mime string) {
	w.Header().Set("Content-Type", mime)
	part := []byte("<p>x</p><!--" + strings.Repeat(" ", 64<<10) + "-->\n")
	for sent := 0; sent < 4<<30 && r.Context().Err() == nil; sent += len(part) {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// serveSocket is a WebSocket that says something as fast as it is heard.
func serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "no WebSocket here", http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	frame := append([]byte{0x81, 100}, bytes.Repeat([]byte("x"), 100)...)
	for writeFrame(rw.Writer, frame) == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		time.Sleep(time.Millisecond)
	}
}

func writeFrame(w *bufio.Writer, frame []byte) error {
	if _, err := w.Write(frame); err != nil {
		return err
	}
	return w.Flush()
}
