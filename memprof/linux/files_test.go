package linux

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestSocketsAreCountedAmongOpenFiles(t *testing.T) {
	link := func(to string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink} }
	root := fstest.MapFS{
		"proc/7/fd/0": link("/dev/null"), "proc/7/fd/1": link("socket:[1]"), "proc/7/fd/2": link("socket:[2]"),
		"proc/7/fd/3": link("/tmp/socket:"), "proc/7/fd/4": {},
	}
	files, s, err := countFiles(root, 7)
	require.NoError(t, err)
	require.Equal(t, int64(5), files)
	require.Equal(t, int64(2), s.count)
	require.ErrorContains(t, s.err, "read fd of a process: ")
	delete(root, "proc/7/fd/4")
	_, s, _ = countFiles(root, 7)
	require.NoError(t, s.err)

	for i := range maxLinks {
		root[fmt.Sprintf("proc/7/fd/%d", 10+i)] = link("socket:[9]")
	}
	files, s, err = countFiles(root, 7)
	require.NoError(t, err)
	require.Equal(t, int64(maxLinks+4), files)
	require.EqualError(t, s.err, "read fd of a process: it has more than 10000 open files")
}
