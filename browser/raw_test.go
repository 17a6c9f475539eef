package browser_test

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
)

// A raw Chrome answers over its pipe, and leaves nothing.
func TestRaw(t *testing.T) {
	o, folder := inFolder(t)
	r, err := browser.StartRaw(o)
	require.NoError(t, err)
	_, err = r.In.WriteString(`{"id":1,"method":"Browser.getVersion"}` + "\x00")
	require.NoError(t, err)
	reply, err := bufio.NewReader(r.Out).ReadString(0)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(reply, `{"id":1,"result":{`), reply)
	require.NoError(t, r.Close())
	<-r.Exited()
	nothingLeft(t, folder)
}

func TestRawThatDoesNotStart(t *testing.T) {
	folder := t.TempDir()
	o := browser.LaunchOptions{Path: "/nonexistent/chrome", TempDir: folder}
	_, err := browser.StartRaw(o)
	require.ErrorIs(t, err, browser.ErrStart)
	o.Flags = []string{"--no-sandbox"}
	_, err = browser.StartRaw(o)
	require.ErrorIs(t, err, browser.ErrStart)
	require.ErrorContains(t, err, "--no-sandbox is refused")
	nothingLeft(t, folder)
}
