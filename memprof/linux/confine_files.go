package linux

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// cgroupFiles is how cgroups are changed; names are paths. The tests have a kernel of their own.
type cgroupFiles interface {
	// Write writes to a file that is there.
	Write(name, text string) error
	// Mkdir makes a cgroup.
	Mkdir(name string) error
	// Remove removes a cgroup, with EBUSY if there are processes in it.
	Remove(name string) error
}

// kernelFiles are the real ones.
type kernelFiles struct{}

func (kernelFiles) Write(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (kernelFiles) Mkdir(name string) error  { return os.Mkdir(name, 0o755) }
func (kernelFiles) Remove(name string) error { return rmdir(name) }

// rmdir keeps the kernel's reason: os.Remove tries unlink too, and tells the one that
// seems better to it.
func rmdir(name string) error {
	if err := syscall.Rmdir(name); err != nil {
		return &fs.PathError{Op: "rmdir", Path: name, Err: err}
	}
	return nil
}
