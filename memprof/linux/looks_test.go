package linux

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// What a process held is known after its end, from the last reading that saw it.
func TestWhatHasEndedIsRemembered(t *testing.T) {
	dies, lives := exec.CommandContext(t.Context(), "sleep", "600"), exec.CommandContext(t.Context(), "sleep", "600")
	require.NoError(t, dies.Start())
	require.NoError(t, lives.Start())
	defer func() { _ = lives.Process.Kill(); _ = lives.Wait() }()
	p := NewProcesses(Options{Browsers: func() []Browser {
		return []Browser{{ID: "a", PID: dies.Process.Pid}, {ID: "b", PID: lives.Process.Pid}}
	}})
	gone, then, _ := p.Ended()
	require.Empty(t, gone, "nothing was read")
	require.Empty(t, then)
	p.Read(t.Context(), memprof.Request{Level: memprof.LevelCheap, Tick: true})
	gone, _, _ = p.Ended()
	require.Empty(t, gone, "all of them live")

	require.NoError(t, dies.Process.Kill())
	_ = dies.Wait()
	p.Read(t.Context(), memprof.Request{Level: memprof.LevelCheap, Tick: true})
	gone, then, at := p.Ended()
	require.Len(t, gone, 1)
	require.Equal(t, dies.Process.Pid, gone[0].PID)
	require.Equal(t, typeBrowser, gone[0].Process)
	require.Positive(t, gone[0].Bytes)
	require.Len(t, then, 3, "both, and this program")
	require.False(t, at.IsZero())
	require.GreaterOrEqual(t, then[0].Bytes, then[1].Bytes)
	gone, _, _ = p.Ended("renderer")
	require.Empty(t, gone)

	for range 2 * maxLooks {
		p.Read(t.Context(), memprof.Request{Level: memprof.LevelCheap, Tick: true})
	}
	require.LessOrEqual(t, len(p.looks), maxLooks)
}
