package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v4"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// configWriter writes what an experiment recommends into a site file or a configuration, and leaves the rest
// of it as it is, byte for byte.
type configWriter struct {
	path string
	mode fs.FileMode
	// site is that of a site file, run the sites that a configuration is for; one of them is set.
	site *sites.Site
	run  []*sites.Site
	// configured are the cleanups of the configuration in use, which a site file goes before.
	configured sites.Cleanup
}

// newConfigWriter reads what is to be written to, and refuses what could not be, before the minutes that come
// to its contents.
func newConfigWriter(path string, chosen []*sites.Site, configured []string, compared []memprof.PlannedCleanup) (*configWriter, error) {
	data, mode, err := readWhole(path)
	if err != nil {
		return nil, usageErrorf("--write-config: %w", err)
	}
	w := &configWriter{path: path, mode: mode}
	if w.configured, err = sites.ParseCleanup(configured); err != nil {
		return nil, withCode(exitUsage, err) // it was checked when it was read
	}
	root, fault := parseYAML(path, data)
	switch {
	case fault != nil:
		return nil, withCode(exitUsage, sites.Faults{*fault})
	case root != nil && root.Kind != yaml.MappingNode:
		return nil, usageErrorf("--write-config: %s is neither a site file nor a configuration", path)
	case root == nil || keyIndex(root, "templates") < 0:
		w.run = chosen
		err = w.checkSites(compared)
	default:
		err = w.readSite(data, chosen)
	}
	if err == nil {
		_, err = w.existing(data)
	}
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return w, w.checkWritable(data, root)
}

// readSite reads a site file, which must be of a site that is run.
func (w *configWriter) readSite(data []byte, chosen []*sites.Site) (err error) {
	if w.site, err = sites.Parse(w.path, data); err != nil {
		return err
	}
	if !slices.ContainsFunc(chosen, func(s *sites.Site) bool { return s.Name == w.site.Name }) {
		return usageErrorf("--write-config: %s is the file of site %s, which the experiment does not run", w.path, w.site.Name)
	}
	return nil
}

// checkSites refuses a configuration where a site's own file, which goes before it, says when a cleanup is
// done that is compared: what would be written had no effect there.
func (w *configWriter) checkSites(compared []memprof.PlannedCleanup) error {
	for _, s := range w.run {
		for _, c := range compared {
			if when := whenOf(s.Cleanup, c.Name); when != "" {
				return usageErrorf("--write-config: site %s says %s: %s itself, which goes before a configuration: name its site file", s.Name, c.Name, when)
			}
		}
	}
	return nil
}

// checkWritable tries, without writing, whether the file can be changed and replaced.
func (w *configWriter) checkWritable(data []byte, root *yaml.Node) error {
	if root != nil && root.Style&yaml.FlowStyle != 0 {
		return usageErrorf("--write-config: %s is written in braces, {...}: write its keys on lines of their own", w.path)
	}
	if _, err := w.existing(replaceKey(data, root, "cleanup", w.lines(nil))); err != nil {
		return usageErrorf("--write-config: the cleanups of %s cannot be replaced: %w", w.path, err)
	}
	if err := checkOutput("--write-config", w.path); err != nil {
		return err
	}
	beside, err := os.CreateTemp(filepath.Dir(targetOf(w.path)), ".ebb-*") // see writeAtomically
	if err != nil {
		return usageErrorf("--write-config: %w", err)
	}
	return errors.Join(beside.Close(), os.Remove(beside.Name()))
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
	had, err := w.existing(data)
	if err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	rules := w.rules(e, had)
	changed := replaceKey(data, root, "cleanup", comment(e, recording)+w.lines(rules))
	if _, err := w.existing(changed); err != nil {
		return "", fmt.Errorf("write the configuration: %w; nothing was written", err)
	}
	if err := writeAtomically(w.path, changed, w.mode); err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	wrote := make([]string, len(rules))
	for i, rule := range rules {
		wrote[i] = rule.Name + "=" + string(rule.When)
	}
	return fmt.Sprintf("Wrote to %s: cleanup: %s", w.path, cmp.Or(strings.Join(wrote, ", "), "none")), nil
}

// existing reads a file: what it says of cleanups.
func (w *configWriter) existing(data []byte) (sites.Cleanup, error) {
	if w.site != nil {
		site, err := sites.Parse(w.path, data)
		if err != nil {
			return sites.Cleanup{}, err
		}
		return site.Cleanup, nil
	}
	settings := &Settings{origins: map[string]origin{}}
	reader := configFile{name: w.path, folder: filepath.Dir(w.path), settings: settings}
	if faults := reader.read(data); len(faults) > 0 {
		return sites.Cleanup{}, faults
	}
	c, err := sites.ParseCleanup(settings.Cleanup)
	if err != nil {
		return c, fmt.Errorf("%s: cleanup: %w", w.path, err)
	}
	return c, nil
}

// rules are the cleanups that the file will have: what it had, those that are recommended, and "off" for those
// that were compared and are not needed but would be done.
func (w *configWriter) rules(e memprof.Experiment, had sites.Cleanup) []sites.CleanupRule {
	c := had
	for _, name := range e.Recommended.Off {
		_ = c.Set(name, "") // the plan knows it
		if w.does(name, c) {
			_ = c.Set(name, sites.Never)
		}
	}
	for _, written := range e.Recommended.Rules {
		name, when, _ := strings.Cut(written, "=")
		_ = c.Set(name, sites.When(when))
	}
	return c.Rules()
}

// does says whether a cleanup would be done if the file said no more than c.
func (w *configWriter) does(name string, c sites.Cleanup) bool {
	base, list := c, w.run
	if w.site != nil {
		site := *w.site
		site.Cleanup = c
		base, list = w.configured, []*sites.Site{&site}
	}
	return slices.ContainsFunc(list, func(s *sites.Site) bool {
		when := whenOf(s.Cleanups(base), name)
		return when != "" && when != sites.Never
	})
}

// whenOf is when a cleanup is done; "" where nothing is said of it.
func whenOf(c sites.Cleanup, name string) sites.When {
	for _, rule := range c.Rules() {
		if rule.Name == name {
			return rule.When
		}
	}
	return ""
}

// comment says where the cleanups come from.
func comment(e memprof.Experiment, recording string) string {
	return fmt.Sprintf("%s%s of %s:\n# %s\n", writtenBy, oneLine(filepath.Base(recording)), e.Started.UTC().Format("2006-01-02"), oneLine(e.Headline))
}

// lines are the key with its value.
func (w *configWriter) lines(rules []sites.CleanupRule) string {
	entry, none := "  - %s=%s\n", "cleanup: []\n"
	if w.site != nil {
		entry, none = "  %s: %s\n", "cleanup: {}\n"
	}
	if len(rules) == 0 {
		return none
	}
	var b strings.Builder
	b.WriteString("cleanup:\n")
	for _, rule := range rules {
		fmt.Fprintf(&b, entry, rule.Name, rule.When)
	}
	return b.String()
}

// oneLine keeps a text from ending its comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

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

// replaceKey puts a block of lines into the place of a top-level key, or at the end. Its lines end as those of
// the file do.
func replaceKey(data []byte, root *yaml.Node, key, block string) []byte {
	lines := strings.SplitAfter(string(data), "\n")
	if strings.HasSuffix(lines[0], "\r\n") {
		block = strings.ReplaceAll(block, "\n", "\r\n")
	}
	end := documentEnd(lines)
	at := -1
	if root != nil {
		at = keyIndex(root, key)
	}
	if at < 0 {
		before := strings.Join(lines[:end], "")
		if before != "" && !strings.HasSuffix(before, "\n") {
			before += block[len(block)-lineEnd(block):]
		}
		return []byte(before + block + strings.Join(lines[end:], ""))
	}
	from, to := root.Content[at].Line-1, end
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

// lineEnd is how many bytes end a text's last line: 1 or 2.
func lineEnd(text string) int { return len(text) - len(strings.TrimRight(text, "\r\n")) }

// documentEnd is the first line that ends the document, or how many lines there are.
func documentEnd(lines []string) int {
	for i, line := range lines {
		if strings.HasPrefix(line, "...") && strings.TrimSpace(line[3:]) == "" {
			return i
		}
	}
	return len(lines)
}

func isBlankOrComment(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || strings.HasPrefix(text, "#")
}

// targetOf is the file that a path leads to, through symbolic links.
func targetOf(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// writeAtomically replaces a file, which keeps its owner: whoever reads it finds the old one or the new.
func writeAtomically(path string, data []byte, mode fs.FileMode) error {
	path = targetOf(path)
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".ebb-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if owner, ok := before.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		err = errors.Join(err, file.Chown(int(owner.Uid), int(owner.Gid)))
	}
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
