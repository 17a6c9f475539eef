package leaky

import (
	"embed"
	"encoding/binary"
	"html/template"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

//go:embed assets
var assets embed.FS

// robotsText allows everything.
const robotsText = "User-agent: *\nAllow: /\n"

func parsePages() *template.Template {
	return template.Must(template.ParseFS(assets, "assets/*.tmpl"))
}

// routes is the handler of all cases.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveIndex)
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(robotsText))
	})
	mux.HandleFunc("GET /tasks/{task}/{$}", serveTask)
	mux.HandleFunc("GET /{case}/{$}", s.serveCase)
	mux.HandleFunc("GET /{case}/{page}", s.serveCase)
	mux.HandleFunc("POST /{case}/{page}", s.serveCase)
	mux.HandleFunc("GET /{case}/frame", s.serveFrame)
	mux.HandleFunc("GET /{case}/case.js", serveCaseScript)
	for _, name := range scripts {
		mux.HandleFunc("GET /{case}/"+name, serveScript(name))
	}
	mux.HandleFunc("GET /{case}/bytes/{number}", serveBytes)
	mux.HandleFunc("GET /{case}/socket", s.sockets.serve)
	return mux
}

// pageData is what a case's document is made of.
type pageData struct {
	Case
	Page      string // which of its documents: "a" is the first
	Visit     int    // how many were served before this one, where documents are counted
	Load      bool   // the document begins the visit itself
	Growth    int64  // in milliseconds
	IdleAfter int64  // in milliseconds
}

// serveCase is a case's document.
func (s *Server) serveCase(w http.ResponseWriter, r *http.Request) {
	c, ok := Find(r.PathValue("case"))
	page := r.PathValue("page")
	if !ok || page != "" && (c.mode != moving || page != "b") {
		http.NotFound(w, r)
		return
	}
	data := pageData{
		Case: c, Page: "a", Load: c.mode != kept,
		Growth: s.options.Growth.Milliseconds(), IdleAfter: s.options.IdleAfter.Milliseconds(),
	}
	if page != "" {
		data.Page = page
	}
	if data.Load {
		data.Visit = s.nextVisit(c.Name) - 1
	}
	s.render(w, "page.tmpl", data)
}

// serveFrame is what a case puts into frames and popups. Its connection is closed, so
// that frames of many hosts do not leave many behind.
func (s *Server) serveFrame(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	s.render(w, "frame.tmpl", nil)
}

// serveIndex leads a person to every case.
func (s *Server) serveIndex(w http.ResponseWriter, _ *http.Request) {
	s.render(w, "index.tmpl", Cases())
}

func (s *Server) render(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = s.pages.ExecuteTemplate(w, name, data) // only a client that has gone makes it fail
}

// scripts are the files of assets that every case has below its own path: a service
// worker serves no more than that.
var scripts = []string{"page.js", "begin.js", "worker.js", "shared-worker.js", "service-worker.js"}

func serveScript(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		http.ServeFileFS(w, r, assets, "assets/"+name)
	}
}

// serveCaseScript is the script in which a case, or the leak that it is the twin of,
// says what it does.
func serveCaseScript(w http.ResponseWriter, r *http.Request) {
	c, ok := Find(r.PathValue("case"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	serveScript("cases/"+c.script+".js")(w, r)
}

// maxBytes bounds what serveBytes makes.
const maxBytes = 16 << 20

// serveBytes answers with so many bytes as the query's size says, the same for the
// same number, which no compression makes smaller. Chrome may keep them for a day if
// the query says store=1.
func serveBytes(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 32)
	size, sizeErr := strconv.Atoi(r.URL.Query().Get("size"))
	if err != nil || sizeErr != nil || size < 0 || size > maxBytes {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Query().Get("store") == "1" {
		w.Header().Set("Cache-Control", "max-age="+strconv.Itoa(int((24*time.Hour).Seconds())))
	}
	_, _ = w.Write(noise(number, size))
}

// noise is bytes that look random.
func noise(number uint64, size int) []byte {
	random := rand.NewPCG(number, 0)
	b := make([]byte, 0, size+8)
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, random.Uint64())
	}
	return b[:size]
}
