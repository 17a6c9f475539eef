package linux

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// All that reads the host does so in the quick way.
func TestTheHostIsReadQuickly(t *testing.T) {
	require.IsType(t, quickSystem{}, hostRoot())
	require.IsType(t, quickSystem{}, Options{}.withDefaults().Root)
	room, err := ReadRoom(nil)
	require.NoError(t, err)
	require.IsType(t, quickSystem{}, room.root)
}

func TestTheHostsFilesAreReadAsTheyAre(t *testing.T) {
	root := hostRoot()
	for _, name := range []string{"proc/cpuinfo", "proc/self/cmdline", "etc/passwd", "proc/sys/kernel/random/boot_id", "sys/devices/system/cpu/possible"} {
		want, err := os.ReadFile("/" + name)
		require.NoError(t, err)
		got, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		if name == "proc/cpuinfo" { // longer than one reading; its figures change
			want, got = want[:bytes.IndexByte(want, '\n')], got[:bytes.IndexByte(got, '\n')]
		}
		require.Equal(t, string(want), string(got), name)
	}
	smaps, err := fs.ReadFile(root, "proc/self/smaps")
	require.NoError(t, err)
	require.Greater(t, len(smaps), 2*procBytes, "it is read to its end")
	_, err = fs.ReadFile(root, "proc/4194305/status")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = readStatus(root, 4194305)
	require.ErrorIs(t, err, memprof.ErrGone)
	_, err = fs.ReadFile(root, "proc/self")
	require.Error(t, err)
	_, err = fs.ReadLink(root, fmt.Sprintf("proc/%d/exe", os.Getpid()))
	require.NoError(t, err)
}
