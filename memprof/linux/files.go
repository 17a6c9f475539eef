package linux

import (
	"fmt"
	"io/fs"
	"strings"
)

// maxLinks bounds how many open files of one process are looked at.
const maxLinks = 10_000

// sockets is how many of a process's open files are sockets, or why that is unknown.
type sockets struct {
	count int64
	err   error
}

// countFiles counts a process's open files, and the sockets among them. A file that is closed
// meanwhile counts as open, and as no socket.
func countFiles(root fs.FS, pid int) (files int64, s sockets, err error) {
	dir := procFile(pid, "fd")
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return 0, s, procError("fd", err)
	}
	if len(entries) > maxLinks {
		s.err = fmt.Errorf("read fd of a process: it has more than %d open files", maxLinks)
		return int64(len(entries)), s, nil
	}
	for _, e := range entries {
		to, err := fs.ReadLink(root, dir+"/"+e.Name())
		switch {
		case err == nil && strings.HasPrefix(to, "socket:"):
			s.count++
		case err != nil && !isGone(err) && s.err == nil:
			s.err = procError("fd", err)
		}
	}
	return int64(len(entries)), s, nil
}
