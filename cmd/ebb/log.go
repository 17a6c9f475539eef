package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/cmd/ebb/output"
)

// logTime is how a log line writes its time, always in UTC.
const logTime = "2006-01-02T15:04:05.000000000Z07:00"

// newLogger logs to w in the configured form; with "auto" for people where standard
// error is a terminal and as JSON otherwise.
func newLogger(config LogConfig, stderr output.Terminal, w io.Writer) zerolog.Logger {
	forPeople := config.Format == "console" || config.Format == "auto" && stderr.TTY
	if forPeople {
		w = zerolog.ConsoleWriter{
			Out: w, NoColor: !stderr.Color, TimeFormat: "15:04:05", FormatPrepare: leaveOutEmpty,
			FormatMessage: cleanText, FormatFieldValue: cleanText,
		}
	} else {
		w = cleanLines{w}
	}
	level, err := zerolog.ParseLevel(config.Level)
	if err != nil { // the configuration has been checked; be loud rather than silent
		level = zerolog.DebugLevel
	}
	return zerolog.New(w).Level(level).Hook(stamp{})
}

// cleanText is what a page may have said, harmless on a terminal and on one line.
func cleanText(value any) string {
	if value == nil {
		return ""
	}
	return output.CleanLine(fmt.Sprint(value))
}

// cleanLines makes lines of JSON harmless to look at.
type cleanLines struct{ out io.Writer }

func (c cleanLines) Write(line []byte) (int, error) {
	clean := bytes.TrimSuffix(line, []byte("\n"))
	if _, err := c.out.Write(append(output.CleanJSON(clean), '\n')); err != nil {
		return 0, err
	}
	return len(line), nil
}

// leaveOutEmpty takes the fields out of an event that say nothing: people need no fixed
// set of them.
func leaveOutEmpty(event map[string]any) error {
	maps.DeleteFunc(event, func(name string, value any) bool {
		if name == zerolog.MessageFieldName || name == zerolog.LevelFieldName {
			return false
		}
		switch v := value.(type) {
		case nil:
			return true
		case string:
			return v == ""
		case bool:
			return !v
		case json.Number:
			return v == "0"
		case float64:
			return v == 0
		}
		return false
	})
	return nil
}

// stamp adds the time to a log line, in UTC whatever zone the machine is in.
type stamp struct{}

func (stamp) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	e.Str(zerolog.TimestampFieldName, time.Now().UTC().Format(logTime))
}
