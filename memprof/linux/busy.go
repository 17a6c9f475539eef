package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// Busy returns how long the processors of the host have worked since it started, and how long they have
// been there, both summed over all of them. Of o, Root is used.
func Busy(o Options) (worked, all time.Duration, err error) {
	data, err := fs.ReadFile(o.withDefaults().Root, "proc/stat")
	if err != nil {
		return 0, 0, fmt.Errorf("read the processors' times: %w", err)
	}
	return parseBusy(data)
}

// parseBusy reads /proc/stat. Its first line has the times user, nice, system, idle, iowait, irq, softirq
// and steal; what follows is of guests, and part of user.
func parseBusy(data []byte) (worked, all time.Duration, err error) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, 0, errors.New("parse the processors' times: no line of eight times")
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("parse the processors' times: %w", err)
		}
		took := time.Duration(ticks) * clockTick
		all += took
		if i != 3 && i != 4 { // idle and iowait
			worked += took
		}
	}
	return worked, all, nil
}
