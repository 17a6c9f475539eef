package faults

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"time"
)

// watchMemory looks at the anonymous memory of the scene's Chrome until stop, which returns the most that
// was seen, in bytes.
func (s *scene) watchMemory() (stop func() int64) {
	done := make(chan struct{})
	var most int64
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			var sum int64
			for _, pid := range s.processes("") {
				sum += anonymous(pid)
			}
			most = max(most, sum)
		}
	})
	return func() int64 {
		close(done)
		watching.Wait()
		return most
	}
}

// anonymous is RssAnon of a process in bytes; 0 where it has ended.
func anonymous(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("RssAnon:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kB, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kB << 10
}
