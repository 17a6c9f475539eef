package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// configWriter writes what an experiment recommends into a site file or a configuration, and leaves the rest
// of it as it is, byte for byte.
type configWriter struct {
	path string
	mode fs.FileMode
	site *sites.Site   // of a site file; nil for a configuration
	base sites.Cleanup // of the configuration, which holds where a site file says nothing
}

// configWriter is newConfigWriter with the cleanups of the configuration.
func (a *app) configWriter(path string, chosen []*sites.Site) (*configWriter, error) {
	settings, err := a.config()
	if err != nil {
		return nil, err
	}
	base, err := sites.ParseCleanup(settings.Cleanup)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return newConfigWriter(path, chosen, base)
}

// newConfigWriter reads what is to be written to, before the minutes that come to its contents.
func newConfigWriter(path string, chosen []*sites.Site, base sites.Cleanup) (*configWriter, error) {
	data, mode, err := readWhole(path)
	if err != nil {
		return nil, usageErrorf("--write-config: %w", err)
	}
	w := &configWriter{path: path, mode: mode, base: base}
	root, fault := parseYAML(path, data)
	switch {
	case fault != nil:
		return nil, withCode(exitUsage, sites.Faults{*fault})
	case root == nil:
		return w, checkOutput("--write-config", path)
	case root.Kind != yaml.MappingNode:
		return nil, usageErrorf("--write-config: %s is neither a site file nor a configuration", path)
	case keyIndex(root, "templates") < 0:
		var settings Settings
		reader := configFile{name: path, folder: filepath.Dir(path), settings: &settings}
		if faults := reader.read(data); len(faults) > 0 {
			return nil, withCode(exitUsage, faults)
		}
		return w, checkOutput("--write-config", path)
	}
	if w.site, err = sites.Parse(path, data); err != nil {
		return nil, withCode(exitUsage, err)
	}
	if !slices.ContainsFunc(chosen, func(s *sites.Site) bool { return s.Name == w.site.Name }) {
		return nil, usageErrorf("--write-config: %s is the file of site %s, which the experiment does not run", path, w.site.Name)
	}
	return w, checkOutput("--write-config", path)
}

// readWhole reads a file with its permissions.
func readWhole(path string) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no file", path)
	}
	data, err := os.ReadFile(path)
	return data, info.Mode().Perm(), err
}

// write writes the recommendation and says what it did.
func (w *configWriter) write(e memprof.Experiment, recording string) (string, error) {
	switch {
	case !e.Recommended.Flat && len(e.Recommended.Cleanups) == 0:
		return w.path + " is left as it is: nothing can be recommended", nil
	case e.Stopped == "" && len(e.Blocks) < len(e.Plan.Blocks):
		return w.path + " is left as it is: the experiment did not come to its end", nil
	}
	data, _, err := readWhole(w.path) // as it is now
	if err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	root, fault := parseYAML(w.path, data)
	if fault != nil {
		return "", sites.Faults{*fault}
	}
	block := w.block(e, recording, existingCleanup(root))
	changed := replaceKey(data, root, "cleanup", block)
	if err := w.checkChanged(changed); err != nil {
		return "", fmt.Errorf("write the configuration: %w; nothing was written", err)
	}
	if err := writeAtomically(w.path, changed, w.mode); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	return fmt.Sprintf("Wrote to %s: cleanup: %s", w.path, strings.Join(w.rules(e, existingCleanup(root)), ", ")), nil
}

// existingCleanup is what a file says of cleanups already.
func existingCleanup(root *yaml.Node) sites.Cleanup {
	var c sites.Cleanup
	at := -1
	if root != nil {
		at = keyIndex(root, "cleanup")
	}
	if at < 0 {
		return c
	}
	node := root.Content[at+1]
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			_ = c.Set(node.Content[i].Value, sites.When(node.Content[i+1].Value)) // it was checked
		}
		return c
	}
	var written []string
	for _, entry := range node.Content {
		written = append(written, entry.Value)
	}
	if node.Kind == yaml.ScalarNode {
		written = strings.Split(node.Value, ",")
	}
	c, _ = sites.ParseCleanup(written) // it was checked
	return c
}

// rules are the cleanups that the file will have: what it had, those that are recommended, and "off" for those
// that were compared and are not needed but would be done.
func (w *configWriter) rules(e memprof.Experiment, had sites.Cleanup) []string {
	c := had
	done := had
	if w.site != nil {
		site := *w.site
		site.Cleanup = had
		done = site.Cleanups(w.base)
	}
	for _, name := range e.Recommended.Off {
		when := sites.When("")
		for _, rule := range done.Rules() {
			if rule.Name == name && rule.When != sites.Never {
				when = sites.Never
			}
		}
		_ = c.Set(name, when)
	}
	for _, written := range e.Recommended.Rules {
		name, when, _ := strings.Cut(written, "=")
		_ = c.Set(name, sites.When(when))
	}
	var list []string
	for _, rule := range c.Rules() {
		list = append(list, rule.Name+"="+string(rule.When))
	}
	return list
}

// block is the key with its value and where it comes from.
func (w *configWriter) block(e memprof.Experiment, recording string, had sites.Cleanup) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# By ebb experiment, from %s of %s:\n", oneLine(filepath.Base(recording)), e.Started.UTC().Format("2006-01-02"))
	fmt.Fprintf(&b, "# %s\n", oneLine(e.Headline))
	rules := w.rules(e, had)
	if len(rules) == 0 {
		if w.site != nil {
			return b.String() + "cleanup: {}\n"
		}
		return b.String() + "cleanup: []\n"
	}
	b.WriteString("cleanup:\n")
	for _, rule := range rules {
		name, when, _ := strings.Cut(rule, "=")
		if w.site != nil {
			fmt.Fprintf(&b, "  %s: %s\n", name, when)
		} else {
			fmt.Fprintf(&b, "  - %s=%s\n", name, when)
		}
	}
	return b.String()
}

// oneLine keeps a text from ending its comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// checkChanged reads the file as it would be.
func (w *configWriter) checkChanged(data []byte) error {
	if w.site != nil {
		_, err := sites.Parse(w.path, data)
		return err
	}
	var settings Settings
	reader := configFile{name: w.path, folder: filepath.Dir(w.path), settings: &settings}
	if faults := reader.read(data); len(faults) > 0 {
		return faults
	}
	return nil
}

// keyIndex is where a key stands in a mapping; -1 for nowhere.
func keyIndex(root *yaml.Node, key string) int {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// writtenBy begins the comment of an earlier experiment.
const writtenBy = "# By ebb experiment, from "

// replaceKey puts a block of lines into the place of a top-level key, or at the end.
func replaceKey(data []byte, root *yaml.Node, key, block string) []byte {
	lines := strings.SplitAfter(string(data), "\n")
	at := -1
	if root != nil {
		at = keyIndex(root, key)
	}
	if at < 0 {
		text := string(data)
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return []byte(text + block)
	}
	from := root.Content[at].Line - 1
	to := len(lines)
	if at+2 < len(root.Content) {
		to = root.Content[at+2].Line - 1
	}
	for to > from+1 && isBlankOrComment(lines[to-1]) {
		to-- // those belong to what follows
	}
	if from >= 2 && strings.HasPrefix(lines[from-2], writtenBy) {
		from -= 2 // the comment of the experiment before
	}
	return []byte(strings.Join(lines[:from], "") + block + strings.Join(lines[to:], ""))
}

func isBlankOrComment(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || strings.HasPrefix(text, "#")
}

// writeAtomically replaces a file: whoever reads it finds the old one or the new.
func writeAtomically(path string, data []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".ebb-*")
	if err != nil {
		return err
	}
	_, err = file.Write(bytes.Clone(data))
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
