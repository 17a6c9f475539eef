package queue

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/ebbworker/ebb/worker/store"
)

// thisProcess describes this process so that others can see whether it lives.
func thisProcess() store.Worker {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	w := store.Worker{Host: host, PID: os.Getpid()}
	w.ID = fmt.Sprintf("%.40s-%d-%s", host, w.PID, strings.ToLower(rand.Text()[:10]))
	// On a system without /proc the fields stay empty, and only the beat counts.
	boot, err1 := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, err2 := os.Readlink("/proc/self/ns/pid")
	start, err3 := processStart(w.PID)
	if err1 == nil && err2 == nil && err3 == nil {
		w.Boot, w.PIDNamespace, w.PIDStart = strings.TrimSpace(string(boot)), namespace, start
	}
	return w
}

// gone tells whether a worker's process is seen to have ended. It is false where that
// cannot be seen from here.
func gone(self, other store.Worker) bool {
	if self.Boot == "" || self.Boot != other.Boot || self.PIDNamespace != other.PIDNamespace {
		return false
	}
	start, err := processStart(other.PID)
	return errors.Is(err, fs.ErrNotExist) || err == nil && start != other.PIDStart
}

// processStart is when a process began, in ticks since the system did. A process that has
// ended but was not waited for counts as not there.
func processStart(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(data)
}

// parseStat reads the start time out of /proc/PID/stat, where the name of the program may
// hold spaces and brackets.
func parseStat(data []byte) (int64, error) {
	end := bytes.LastIndexByte(data, ')')
	fields := strings.Fields(string(data[end+1:]))
	const state, start = 0, 19 // counted from the field after the name
	if end < 0 || len(fields) <= start {
		return 0, errors.New("read /proc/PID/stat: it has too few fields")
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return 0, fs.ErrNotExist
	}
	return strconv.ParseInt(fields[start], 10, 64)
}
