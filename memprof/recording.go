package memprof

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// maxLine bounds one line of a recording that is read.
const maxLine = 16 << 20

// readingLine is a Sample with its readings by subject.
type readingLine struct {
	Sample
	Subjects []subjectValues `json:"subjects,omitempty"`
}

type subjectValues struct {
	Subject Subject            `json:"subject"`
	Values  map[string]float64 `json:"values"`
}

// bySubject gathers the values of each subject, in the order in which they were read.
func bySubject(readings []Reading) []subjectValues {
	var out []subjectValues
	index := make(map[Subject]int)
	for _, r := range readings {
		i, ok := index[r.Subject]
		if !ok {
			i = len(out)
			index[r.Subject] = i
			out = append(out, subjectValues{Subject: r.Subject, Values: make(map[string]float64)})
		}
		out[i].Values[r.Metric] = r.Value
	}
	return out
}

func (l readingLine) sample() Sample {
	s := l.Sample
	for _, subject := range l.Subjects {
		for metric, value := range subject.Values {
			s.Readings = append(s.Readings, Reading{Metric: metric, Subject: subject.Subject, Value: value})
		}
	}
	slices.SortStableFunc(s.Readings, func(a, b Reading) int { return strings.Compare(a.Metric, b.Metric) })
	return s
}

// Recording is everything that was measured in one process's life, as ReadRecording returns it.
type Recording struct {
	// Manifest is the first line, with the browsers that notes named later.
	Manifest Manifest
	// Samples are ticks and boundary readings in the order of writing.
	Samples []Sample
	Phases  []PhaseSpan
	Cycles  []Summary
	Gaps    []Gap
	Notes   []Note
	// Cut says that the last line is incomplete: the process that wrote it was killed.
	Cut bool
}

// ReadRecording reads what a Recorder wrote. An incomplete last line is left out, with Cut set.
// Anything else that is not a line of a recording is an error that names the line. The
// recording is held in memory; see Lines for one that is too large.
func ReadRecording(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	for line, err := range Lines(r) {
		switch {
		case errors.Is(err, ErrCut):
			rec.Cut = true
		case err != nil:
			return nil, err
		default:
			if err := rec.add(line); err != nil {
				return nil, err
			}
		}
	}
	return rec, nil
}

func (rec *Recording) add(line Line) error {
	switch v := line.Value.(type) {
	case Manifest:
		rec.Manifest = v
	case Sample:
		rec.Samples = append(rec.Samples, v)
	case PhaseSpan:
		rec.Phases = append(rec.Phases, v)
	case Summary:
		rec.Cycles = append(rec.Cycles, v)
	case Gap:
		rec.Gaps = append(rec.Gaps, v)
	case Note:
		rec.Notes = append(rec.Notes, v)
		if v.Name == BrowserNote {
			var info BrowserInfo
			if err := json.Unmarshal(v.Data, &info); err != nil {
				return fmt.Errorf("recording line %d: note %q: %w", line.Number, v.Name, err)
			}
			rec.Manifest.Browsers = append(rec.Manifest.Browsers, info)
		}
	}
	return nil
}

// ErrCut is the error of a recording's last line that is incomplete.
var ErrCut = errors.New("the last line is incomplete")

// Line is one line of a recording.
type Line struct {
	// Number counts from 1.
	Number int
	// Value is a Manifest (the first line), Sample, PhaseSpan, Summary, Gap or Note.
	Value any
}

// Lines reads a recording line by line. It ends after the first error; ErrCut is the error of an
// incomplete last line.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		for number := 1; ; number++ {
			text, err := readLine(in)
			if errors.Is(err, io.EOF) && len(text) == 0 {
				if number == 1 {
					yield(Line{}, errors.New("recording line 1: it is empty"))
				}
				return
			}
			last := errors.Is(err, io.EOF)
			if err != nil && !last {
				yield(Line{}, fmt.Errorf("recording line %d: %w", number, err))
				return
			}
			value, err := parseLine(text, number == 1)
			switch {
			case err != nil && last && number > 1 && !json.Valid(text):
				yield(Line{}, fmt.Errorf("recording line %d: %w", number, ErrCut))
				return
			case err != nil:
				yield(Line{}, fmt.Errorf("recording line %d: %w", number, err))
				return
			}
			if !yield(Line{Number: number, Value: value}, nil) {
				return
			}
		}
	}
}

// readLine reads up to a newline, which it drops; at the end of input it returns io.EOF with
// what was left.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, fmt.Errorf("it is longer than %d bytes", maxLine)
		}
		line = append(line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(line, []byte("\n")), err
	}
}

func parseLine(text []byte, first bool) (any, error) {
	var head struct {
		Type   string `json:"type"`
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if first != (head.Type == "manifest") {
		return nil, fmt.Errorf("a manifest must be the first line and no other; the type is %q", head.Type)
	}
	switch head.Type {
	case "manifest":
		if head.Schema != Schema {
			return nil, fmt.Errorf("the schema is %q; this program reads %q", head.Schema, Schema)
		}
		return decode[Manifest](text)
	case "tick":
		return decode[Sample](text)
	case "reading":
		line, err := decode[readingLine](text)
		return line.sample(), err
	case "phase":
		return decode[PhaseSpan](text)
	case "cycle":
		return decode[Summary](text)
	case "gap":
		return decode[Gap](text)
	case "note":
		return decode[Note](text)
	}
	return nil, fmt.Errorf("unknown type %q", head.Type)
}

func decode[T any](text []byte) (T, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return v, err
}
