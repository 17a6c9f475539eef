package browser

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// SandboxReport is what the kernel says of the sandbox of one Chrome.
type SandboxReport struct {
	// Renderers is the number of renderer processes that were looked at.
	Renderers int
	// Namespaces says that every renderer lives in a user namespace of its own, apart
	// from the worker's.
	Namespaces bool
	// Seccomp says that a seccomp filter is in force in every renderer.
	Seccomp bool
	// NoNewPrivs says that no renderer can gain privileges by running a program.
	NoNewPrivs bool
	// UID is the account of Chrome's main process, as the kernel has it.
	UID int
}

// Sandboxed says whether every layer is in force.
func (r SandboxReport) Sandboxed() bool {
	return r.Renderers > 0 && r.Namespaces && r.Seccomp && r.NoNewPrivs && r.UID != 0
}

// Sandbox reads from /proc whether Chrome's renderers are in their sandbox: what
// chrome://sandbox shows, from outside.
func (b *Browser) Sandbox() (SandboxReport, error) {
	r := SandboxReport{Namespaces: true, Seccomp: true, NoNewPrivs: true}
	main, err := readStatus(b.PID())
	if err != nil {
		return r, fmt.Errorf("look at Chrome's sandbox: %w", err)
	}
	if uids := strings.Fields(main["Uid"]); len(uids) > 1 {
		r.UID, _ = strconv.Atoi(uids[1])
	}
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return r, fmt.Errorf("look at Chrome's sandbox: %w", err)
	}
	var errs error
	eachProcess(func(pid int) {
		if !b.isRenderer(pid) {
			return
		}
		status, err := readStatus(pid)
		if err != nil {
			return // it ended meanwhile
		}
		ns, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/user")
		if err != nil {
			errs = errors.Join(errs, err)
			return
		}
		r.Renderers++
		r.Namespaces = r.Namespaces && ns != own
		r.Seccomp = r.Seccomp && status["Seccomp"] == "2"
		r.NoNewPrivs = r.NoNewPrivs && status["NoNewPrivs"] == "1"
	})
	if errs != nil {
		return r, fmt.Errorf("look at Chrome's sandbox: %w", errs)
	}
	return r, nil
}

// isRenderer says whether a process is one of this Chrome's renderers.
func (b *Browser) isRenderer(pid int) bool {
	st, err := readStat(pid)
	if err != nil || st.pgid != b.PID() || st.state == 'Z' {
		return false
	}
	cmdline, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && bytes.Contains(cmdline, []byte("--type=renderer"))
}

// readStatus reads /proc/PID/status.
func readStatus(pid int) (map[string]string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields, nil
}
