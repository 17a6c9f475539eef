package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
)

// maxNamed bounds how many processes an error names.
const maxNamed = 5

// othersError says that other processes are in a cgroup that would have to be divided.
type othersError struct{ dir, processes string }

func (e *othersError) Error() string {
	return fmt.Sprintf("the cgroup /%s holds other processes, %s, and cgroup v2 limits the children of none that does", e.dir, e.processes)
}

func missingController(h home, controller, has string) error {
	if has == "" {
		has = "none"
	}
	return fmt.Errorf("the cgroup /%s may not use the %s controller (it may use: %s): %s", h.dir, controller, has, delegated)
}

// delegated is how to get a cgroup that may be divided.
const delegated = "run Ebb in a cgroup of its own that it may divide: `systemd-run --scope -p Delegate=yes ebb …` as root, `systemd-run --user --scope -p Delegate=yes ebb …` as another user"

// explain adds to a refusal what can be done about it.
func (h home) explain(err error, l Limits) error {
	var others *othersError
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: this hierarchy is mounted read-only, as in most containers: give the limits to the container (%s)", err, l.docker())
	case errors.Is(err, fs.ErrPermission) && h.v2:
		return fmt.Errorf("%w: run Ebb as root, or %s, or leave the limits to systemd (`systemd-run --user --scope %s ebb …`)", err, delegated, l.systemd())
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: cgroup v1 needs root: run Ebb as root, or give the limits to a container (%s)", err, l.docker())
	case errors.As(err, &others), errors.Is(err, syscall.EBUSY) && h.v2:
		return fmt.Errorf("%w: %s; in a container, start Ebb as its only process (`exec ebb …`) or give the limits to it (%s)", err, delegated, l.docker())
	}
	return err
}

// docker writes the limits as a container engine takes them.
func (l Limits) docker() string {
	var flags []string
	if l.Memory != 0 {
		memory := strconv.FormatInt(l.Memory>>20, 10) + "m"
		flags = append(flags, "--memory "+memory, "--memory-swap "+memory)
	}
	if l.CPUs != 0 {
		flags = append(flags, fmt.Sprintf("--cpus %g", l.CPUs))
	}
	return "`docker run " + strings.Join(flags, " ") + " …`"
}

// systemd writes the limits as systemd-run takes them.
func (l Limits) systemd() string {
	var flags []string
	if l.Memory != 0 {
		flags = append(flags, fmt.Sprintf("-p MemoryMax=%dM -p MemorySwapMax=0", l.Memory>>20))
	}
	if l.CPUs != 0 {
		flags = append(flags, fmt.Sprintf("-p CPUQuota=%g%%", l.CPUs*100))
	}
	return strings.Join(flags, " ")
}

// named returns processes by name and number: "chrome (12), chrome (13) and 4 more".
func (c confiner) named(pids []int) string {
	var names []string
	for i, pid := range pids {
		if i == maxNamed {
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(pids)-maxNamed)
		}
		comm, err := fs.ReadFile(c.fs(), "proc/"+strconv.Itoa(pid)+"/comm")
		name := strings.TrimSpace(string(comm))
		if err != nil || name == "" {
			name = "process"
		}
		names = append(names, fmt.Sprintf("%s (%d)", name, pid))
	}
	return strings.Join(names, ", ")
}
