package leaky

import (
	"bufio"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/sites"
)

func TestCasesAreWhole(t *testing.T) {
	causes := map[string]bool{}
	leaks, quick, names, files := 0, map[bool]int{}, map[string]Case{}, map[string]bool{}
	for _, c := range Cases() {
		require.NotContains(t, names, c.Name)
		names[c.Name] = c
		files[c.script+".js"] = true
		require.Contains(t, []string{"leak", "stable", "spike", "step"}, c.Verdict, c.Name)
		require.Contains(t, []string{"linear", "accelerating", "step", "saturating", "sawtooth", "spike", "stable"}, c.Shape, c.Name)
		require.True(t, strings.HasSuffix(c.Means, "."), c.Name)
		require.NotEmpty(t, c.Metric, c.Name)
		if c.Quick {
			quick[c.Leaks]++
		}
		if !c.Leaks {
			require.Zero(t, c.Rate, c.Name)
			require.NotEqual(t, "leak", c.Verdict, c.Name)
			continue
		}
		leaks++
		causes[c.Cause] = true
		require.Equal(t, "leak", c.Verdict, c.Name)
		require.Positive(t, c.Rate, c.Name)
		require.Contains(t, []string{"scrape", "cleanup", "idle"}, c.Phase, c.Name)
		twin, ok := Find(c.Twin)
		require.True(t, ok, c.Name)
		require.False(t, twin.Leaks, c.Name)
		require.Equal(t, []any{c.Fault, c.Metric, c.Popups, c.Flags, c.Idle}, []any{twin.Fault, twin.Metric, twin.Popups, twin.Flags, twin.Idle}, c.Name)
	}
	require.GreaterOrEqual(t, leaks, 30)
	require.GreaterOrEqual(t, len(causes), 20)
	require.Equal(t, map[bool]int{true: 6, false: 7}, quick, "six leaks, their twins, and the spike")
	have, err := fs.ReadDir(assets, "assets/cases")
	require.NoError(t, err)
	for _, file := range have {
		require.True(t, files[file.Name()], "no case uses %s", file.Name())
		delete(files, file.Name())
	}
	require.Empty(t, files, "these files are missing")
	_, ok := Find("nothing")
	require.False(t, ok)
}

func TestSiteFilesAreGood(t *testing.T) {
	s := New(Options{})
	for _, c := range Cases() {
		site, err := sites.Parse(c.Name+".yaml", s.SiteFile(c.Name, "http://127.0.0.1:8080"))
		require.NoError(t, err)
		require.Equal(t, c.Name, site.Name)
		require.ErrorContains(t, site.Warnings(), "without a limit of rate", c.Name)
		require.Len(t, site.Warnings(), 1, c.Name)
	}
	require.Nil(t, s.SiteFile("nothing", "http://127.0.0.1:8080"))
}

// answer is what a server says to a GET.
func answer(t *testing.T, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(text)
}

func TestServing(t *testing.T) {
	s := New(Options{})
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	defer http.DefaultClient.CloseIdleConnections()
	_, robots := answer(t, web.URL+"/robots.txt")
	require.Equal(t, robotsText, robots)
	_, index := answer(t, web.URL+"/")
	require.Contains(t, index, `href="/one-element-clean/"`)
	_, leak := answer(t, web.URL+"/one-element/")
	require.Contains(t, leak, " data-leaks")
	require.Contains(t, leak, `data-growth="1000"`)
	_, clean := answer(t, web.URL+"/one-element-clean/")
	require.NotContains(t, clean, " data-leaks")
	_, script := answer(t, web.URL+"/one-element-clean/case.js")
	require.Contains(t, script, "function churn(")
	_, first := answer(t, web.URL+"/http-cache/bytes/1?size=1000")
	_, again := answer(t, web.URL+"/http-cache/bytes/1?size=1000")
	_, second := answer(t, web.URL+"/http-cache/bytes/2?size=1000")
	require.Len(t, first, 1000)
	require.Equal(t, first, again)
	require.NotEqual(t, first, second)
	for _, path := range []string{
		"/nothing/", "/nothing/case.js", "/one-element/b", "/move-link/c", "/http-cache/bytes/x?size=1",
		"/http-cache/bytes/1", "/http-cache/bytes/1?size=-1", "/http-cache/bytes/1?size=999999999",
	} {
		status, _ := answer(t, web.URL+path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
	status, _ := answer(t, web.URL+"/websockets/socket")
	require.Equal(t, http.StatusUpgradeRequired, status)
}

func TestVisitsOfAPageThatIsLoadedAgainAreCounted(t *testing.T) {
	web := httptest.NewServer(New(Options{}).Handler())
	defer web.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, path := range []string{"/move-link/", "/move-link/b", "/move-link/"} {
		_, _ = answer(t, web.URL+path)
	}
	_, page := answer(t, web.URL+"/move-link/b")
	require.Contains(t, page, `data-visit="3"`)
	_, other := answer(t, web.URL+"/move-link-clean/")
	require.Contains(t, other, `data-visit="0"`)
}

// dial opens a websocket with the key of RFC 6455 section 1.3.
func dial(t *testing.T, web *httptest.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "GET /websockets/socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", res.Header.Get("Sec-WebSocket-Accept"))
	return conn, reader
}

// count is the number of open sockets.
func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func TestSocketsCloseFromEitherSide(t *testing.T) {
	s := New(Options{})
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	conn, reader := dial(t, web)
	_, idle := dial(t, web)
	require.Equal(t, 2, s.sockets.count())
	mask := "\x00\x00\x00\x00"
	frames := "\x81\x85" + mask + "hello" + // a text
		"\x82\xfe\x00\x80" + mask + strings.Repeat("x", 128) + // 16 bits of length
		"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00" + mask + strings.Repeat("x", 1<<16) + // 64 bits
		"\x88\x82" + mask + "\x03\xe8" // close
	_, err := io.WriteString(conn, frames)
	require.NoError(t, err)
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, "\x88\x00", string(rest))
	require.NoError(t, s.Close())
	_, err = idle.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	require.Zero(t, s.sockets.count())
	late, err := http.NewRequest(http.MethodGet, web.URL+"/websockets/socket", nil)
	require.NoError(t, err)
	late.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Key": {"x"}}
	_, err = http.DefaultClient.Do(late)
	require.Error(t, err, "a server that is closed takes no more sockets")
}
