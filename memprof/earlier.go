package memprof

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// RecordingSuffix ends the name of every recording.
const RecordingSuffix = ".ebb.jsonl"

// tailSize is how much of a recording's end is searched for its verdict, and maxEarlier how many
// recordings of a folder are looked at, the newest.
const (
	tailSize   = 64 << 10
	maxEarlier = 200
)

// EarlierVerdicts returns what the recordings in a folder came to, by time; the one named except is
// left out. A recording without a verdict, or one that cannot be read, is none. A folder that does
// not exist has none.
func EarlierVerdicts(dir, except string) ([]EarlierVerdict, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for earlier recordings: %w", err)
	}
	var list []EarlierVerdict
	seen := 0
	for _, e := range slices.Backward(entries) {
		path := filepath.Join(dir, e.Name())
		if !strings.HasSuffix(e.Name(), ".jsonl") || path == filepath.Clean(except) || seen == maxEarlier {
			continue
		}
		seen++
		if v, ok := verdictOf(path); ok {
			list = append(list, v)
		}
	}
	slices.SortStableFunc(list, func(a, b EarlierVerdict) int { return a.Time.Compare(b.Time) })
	return list, nil
}

// verdictOf reads the verdict at a recording's end.
func verdictOf(path string) (v EarlierVerdict, ok bool) {
	file, err := os.Open(path)
	if err != nil {
		return v, false
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailSize {
		if _, err := file.Seek(-tailSize, io.SeekEnd); err != nil {
			return v, false
		}
	}
	tail, err := io.ReadAll(io.LimitReader(file, tailSize))
	if err != nil {
		return v, false
	}
	lines := bytes.Split(tail, []byte("\n"))
	for _, line := range slices.Backward(lines) {
		if !bytes.Contains(line, []byte(`"`+VerdictNote+`"`)) {
			continue
		}
		var n Note
		if json.Unmarshal(line, &n) == nil && n.Name == VerdictNote && json.Unmarshal(n.Data, &v) == nil {
			return v, true
		}
	}
	return v, false
}

// NoteVerdict appends a diagnosis's verdict to its recording, where later ones find it. It changes
// nothing of what the recording says: to one whose last line is incomplete nothing is added, and the
// error wraps ErrCut; what could not be written as a whole is taken off again.
func NoteVerdict(path string, d Diagnosis) error {
	n, err := newNote(VerdictNote, EarlierVerdict{
		Time: d.Started, Verdict: d.Verdict, Cause: d.Cause, Fingerprint: d.Fingerprint.ID, Sites: d.Sites, Says: d.Headline,
	})
	if err != nil {
		return err
	}
	line, err := json.Marshal(struct {
		Type string `json:"type"`
		Note
	}{"note", n})
	if err != nil {
		return fmt.Errorf("note the verdict: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("note the verdict: %w", err)
	}
	if err := errors.Join(appendLine(file, line), file.Close()); err != nil {
		return fmt.Errorf("note the verdict in %s: %w", path, err)
	}
	return nil
}

// appendLine adds a line to a recording, or nothing.
func appendLine(file *os.File, line []byte) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	last, err := lastLine(file, info.Size())
	if err != nil {
		return err
	}
	text := append(line, '\n')
	if len(last) > 0 { // no newline ends it
		if !json.Valid(last) {
			return ErrCut
		}
		text = append([]byte("\n"), text...)
	}
	if _, err := file.Write(text); err != nil {
		return errors.Join(err, file.Truncate(info.Size()))
	}
	return nil
}

// lastLine is what follows the last newline of a file; one that is longer than tailSize is cut at
// its beginning.
func lastLine(file io.ReaderAt, size int64) ([]byte, error) {
	tail := make([]byte, min(size, tailSize))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	return tail[bytes.LastIndexByte(tail, '\n')+1:], nil
}
