package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ebbworker/ebb/cmd/ebb/output"
	"github.com/ebbworker/ebb/memprof"
)

// diagnosisFiles are where a diagnosis is written beside the screen. "" is nowhere, - standard output.
type diagnosisFiles struct {
	json, html, record string
}

func (d *diagnosisFiles) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.json, "json", "", "write what comes of it as JSON to `file`; - is standard output")
	cmd.Flags().StringVar(&d.html, "html", "", "write it as one HTML page to `file`; - is standard output")
}

// toOutput tells whether standard output is taken, so that the text must stand elsewhere.
func (d *diagnosisFiles) toOutput() bool { return d.json == "-" || d.html == "-" }

// namedFile is a file with the flag that names it.
type namedFile struct{ flag, path string }

// named are all of them.
func (d *diagnosisFiles) named() []namedFile {
	return []namedFile{{"--json", d.json}, {"--html", d.html}, {"--record", d.record}}
}

// check refuses files that cannot be written, before the hours that come to their contents, and
// files that would be written over one another. recording is the one that is read; "" is none.
func (d *diagnosisFiles) check(recording string) error {
	if d.record == "-" {
		return usageErrorf("--record: it is judged at the end, so it must be a file")
	}
	named := append(d.named(), namedFile{"the recording", recording})
	for i, out := range named {
		for _, other := range named[i+1:] {
			if collide(out.path, other.path) {
				return usageErrorf("%s and %s are the same file: %s", out.flag, other.flag, inWords(out.path))
			}
		}
	}
	for _, out := range d.named() {
		if err := checkOutput(out.flag, out.path); err != nil {
			return err
		}
	}
	return nil
}

// collide tells whether two outputs are one file, or both standard output.
func collide(a, b string) bool {
	return a != "" && b != "" && (filepath.Clean(a) == filepath.Clean(b) || sameFile(a, b))
}

// inWords is a path as a message names it.
func inWords(path string) string {
	if path == "-" {
		return "standard output"
	}
	return path
}

// checkOutput refuses a flag's file that cannot be written. It leaves nothing behind, and a file that
// is there as it is; "" and - are none.
func checkOutput(flag, path string) error {
	if path == "" || path == "-" {
		return nil
	}
	before, err := os.Stat(path)
	if err == nil && !before.IsDir() && !before.Mode().IsRegular() {
		return nil // to open a pipe may wait for its reader
	}
	made := errors.Is(err, fs.ErrNotExist)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return usageErrorf("%s: %w", flag, err)
	}
	err = file.Close()
	if made {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return usageErrorf("%s: %w", flag, err)
	}
	return nil
}

// readTally reads a recording.
func readTally(path string) (*memprof.Tally, error) {
	recording, err := os.Open(path)
	if err != nil {
		return nil, withCode(exitUsage, fmt.Errorf("read a recording: %w", err))
	}
	defer recording.Close()
	tally, err := memprof.TallyRecording(recording)
	if err != nil {
		return nil, withCode(exitUsage, fmt.Errorf("%s: %w", path, err))
	}
	return tally, nil
}

// rendered is an outcome in its three forms.
type rendered struct {
	text       func(output.Terminal) error
	json, html func(io.Writer) error
}

// show writes an outcome to the screen, and to the files that are wanted.
func (a *app) show(files diagnosisFiles, r rendered) error {
	text := a.out()
	if files.toOutput() {
		text = a.err()
	}
	return errors.Join(a.writeTo(files.json, cleanJSON(r.json)), r.text(text), a.writeTo(files.html, r.html))
}

// cleanJSON writes JSON that is harmless on a terminal too.
func cleanJSON(write func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			return err
		}
		_, err := w.Write(output.CleanJSON(text.Bytes()))
		return err
	}
}

// checkFolder makes a flag's folder, or refuses it before the work that would end in it; "" is none.
func checkFolder(flag, path string) error {
	if path == "" {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return usageErrorf("%s: %w", flag, err)
	}
	return nil
}

// writeTo writes to a file, or to standard output if it is -; to "" nothing.
func (a *app) writeTo(path string, write func(io.Writer) error) error {
	switch path {
	case "":
		return nil
	case "-":
		return write(a.stdout)
	}
	return writeFile(path, write)
}

// writeFile writes a file as a whole: what is written before an error is removed.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a report: %w", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}
