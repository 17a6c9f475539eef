package browser

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The time of a script is that of a process which hears all that its tab is asked.
func TestWhoseTimeAScriptTakes(t *testing.T) {
	const own, deaf, busy = 1, 2, 3
	at := func(ms int, ears string) threads {
		return threads{main: time.Duration(ms) * time.Millisecond, ears: ears}
	}
	for name, c := range map[string]struct {
		looks []map[int]threads
		took  int
	}{
		"one look tells nothing": {[]map[int]threads{{own: at(500, "a")}}, 0},
		"another hears nothing": {[]map[int]threads{
			{own: at(0, "a"), deaf: at(0, "z")}, {own: at(30, "b"), deaf: at(100, "z")}, {own: at(50, "c"), deaf: at(200, "y")},
		}, 50},
		"another hears too": {[]map[int]threads{
			{own: at(0, "a"), busy: at(0, "k")}, {own: at(30, "b"), busy: at(100, "l")},
		}, 100},
		"another has nothing that hears": {[]map[int]threads{
			{own: at(0, "a"), deaf: at(0, "")}, {own: at(30, "b"), deaf: at(100, "")},
		}, 30},
		"another ends": {[]map[int]threads{
			{own: at(0, "a"), busy: at(0, "k")}, {own: at(30, "b")},
		}, 30},
		"the kernel does not tell": {[]map[int]threads{
			{own: at(0, "0 0 0"), deaf: at(0, "")}, {own: at(30, "0 0 0"), deaf: at(0, "")}, {own: at(60, "0 0 0"), deaf: at(0, "")},
		}, 60},
		"another begins": {[]map[int]threads{
			{own: at(0, "a")}, {own: at(30, "b"), busy: at(900, "k")}, {own: at(40, "c"), busy: at(990, "l")},
		}, 40},
	} {
		t.Run(name, func(t *testing.T) {
			var s spell
			var took time.Duration
			for _, look := range c.looks {
				took = s.look(look)
			}
			require.Equal(t, time.Duration(c.took)*time.Millisecond, took)
		})
	}
}

// A thread that has run since is seen to have.
func TestReadEars(t *testing.T) {
	dir := t.TempDir() + "/"
	for n, name := range []string{"chrome", earsName} {
		thread := dir + strconv.Itoa(n)
		require.NoError(t, os.Mkdir(thread, 0o755))
		require.NoError(t, os.WriteFile(thread+"/comm", []byte(name+"\n"), 0o600))
		require.NoError(t, os.WriteFile(thread+"/schedstat", []byte(strconv.Itoa(n)+" 38979928 69\n"), 0o600))
	}
	require.Equal(t, "1 38979928 69\n", readEars(dir))
	require.NoError(t, os.Remove(dir+"1/schedstat"))
	require.Empty(t, readEars(dir))
	require.Empty(t, readEars(dir+"none/"))
}
