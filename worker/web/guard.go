package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// headers are set on every answer. The pages have no script, and load their style only.
var headers = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cache-Control":                "no-store",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
}

// open are the paths that answer without a token: they say one word of the worker's state.
var open = map[string]bool{"/healthz": true, "/readyz": true}

// guarded lets through what may ask, and sets the headers.
func guarded(o Options, next http.Handler) http.Handler {
	checked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := o.Token != "" && hasToken(r, o.Token)
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		case !known && !knownHost(r.Host, o.Listen):
			// A page whose name was made to mean this address (DNS rebinding) sends that name, and no token.
			http.Error(w, "this server is not known by that name: ask by its address, or with the token", http.StatusMisdirectedRequest)
		case o.Token != "" && !known && !open[r.URL.Path]:
			w.Header().Set("WWW-Authenticate", `Basic realm="ebb: any user, the token as password"`)
			http.Error(w, "the token of web.token is needed: Authorization: Bearer TOKEN", http.StatusUnauthorized)
		default:
			next.ServeHTTP(w, r)
		}
	})
	crossOrigin := http.NewCrossOriginProtection().Handler(checked)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		crossOrigin.ServeHTTP(w, r)
	})
}

// hasToken tells, in a time that does not depend on it, whether a request has the token: as a bearer's,
// or as the password that a browser asks for.
func hasToken(r *http.Request, token string) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, given, _ = r.BasicAuth()
	}
	want, got := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// knownHost tells whether a Host header names this server in a way that no other page's name can: as an
// address, as localhost, or as the configuration does.
func knownHost(host, listen string) bool {
	name := hostName(host)
	if name == "localhost" || name == hostName(listen) && name != "" {
		return true
	}
	return net.ParseIP(strings.Trim(name, "[]")) != nil
}

// hostName is a host in lower case without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}
