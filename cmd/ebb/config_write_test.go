package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
)

// recommending is an experiment that recommends some rules, and of which other cleanups are not needed.
func recommending(rules []string, off ...string) memprof.Experiment {
	e := memprof.Experiment{Headline: "It  grows;\nrecreate-page keeps it flat.", Started: time.Date(2026, 5, 4, 23, 0, 0, 0, time.FixedZone("", -2*60*60))}
	e.Recommended = memprof.Recommendation{Rules: rules, Off: off, Flat: true}
	for _, rule := range rules {
		name, _, _ := strings.Cut(rule, "=")
		e.Recommended.Cleanups = append(e.Recommended.Cleanups, name)
	}
	return e
}

// written is the comment of recommending.
const written = "# By ebb experiment, from shop.ebb.jsonl of 2026-05-05:\n# It grows; recreate-page keeps it flat.\n"

// siteHead is what the site files of these tests begin with.
const siteHead = `# The shop, as agreed with its owner.
name: shop      # not shops
start: http://127.0.0.1:9/
`

const siteTemplates = `
# What is taken.
templates: [{name: a, items: [{fields: {t: h1}}]}]
`

// configured writes a file, lets an experiment write into it, and returns what it holds then.
func configured(t *testing.T, name, text string, e memprof.Experiment, run ...*sites.Site) (after, said string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	var compared []memprof.PlannedCleanup
	for _, name := range append(e.Recommended.Cleanups, e.Recommended.Off...) {
		compared = append(compared, memprof.PlannedCleanup{Name: name})
	}
	if len(run) == 0 {
		run = []*sites.Site{{Name: "shop"}}
	}
	w, err := newConfigWriter(path, run, nil, compared)
	require.NoError(t, err)
	said, err = w.write(e, "/tmp/recordings/shop.ebb.jsonl")
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	_, err = w.existing(data)
	require.NoError(t, err, "what is written is read again")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".ebb-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	return string(data), strings.ReplaceAll(said, path, name)
}

// TestOnlyTheCleanupsOfASiteFileChange: all else stays, byte for byte.
func TestOnlyTheCleanupsOfASiteFileChange(t *testing.T) {
	recreate := recommending([]string{"recreate-page=run"}, "storage", "blank")
	block := written + "cleanup:\n  recreate-page: run\n"
	for name, c := range map[string]struct{ before, after string }{
		"absent":            {siteHead + siteTemplates, siteHead + siteTemplates + block},
		"absent, no end":    {siteHead + strings.TrimSuffix(siteTemplates, "\n"), siteHead + siteTemplates + block},
		"absent, blank end": {siteHead + siteTemplates + "\n\n# end\n", siteHead + siteTemplates + "\n\n# end\n" + block},
		"absent, marked":    {"---\n" + siteHead + siteTemplates + "...\n", "---\n" + siteHead + siteTemplates + block + "...\n"},
		"last":              {siteHead + siteTemplates + "cleanup:\n  storage: run # of old\n", siteHead + siteTemplates + block},
		"last, no end":      {siteHead + siteTemplates + "cleanup: {storage: run}", siteHead + siteTemplates + block},
		"last, comment":     {siteHead + siteTemplates + "cleanup: {storage: run}\n\n# end", siteHead + siteTemplates + block + "\n# end"},
		"last, marked":      {siteHead + siteTemplates + "cleanup: {storage: run}\n...\n", siteHead + siteTemplates + block + "...\n"},
		"first":             {"cleanup: {}\n" + siteHead + siteTemplates, block + siteHead + siteTemplates},
		"middle, in braces": {siteHead + "cleanup: {storage: page,\n  blank: off}\n" + siteTemplates, siteHead + block + siteTemplates},
		"middle, on lines": {
			siteHead + "# Why we clean.\ncleanup:\n  storage: run\n\n  # Not yet.\n  blank: off\n" + siteTemplates,
			siteHead + "# Why we clean.\n" + block + siteTemplates,
		},
		"quoted": {siteHead + "\"cleanup\":\n  'storage': \"run\"\n" + siteTemplates, siteHead + block + siteTemplates},
		"an earlier experiment": {
			siteHead + "# Mine.\n# By ebb experiment, from old.ebb.jsonl of 2025-01-01:\n# Nothing grows.\ncleanup: {}\n" + siteTemplates,
			siteHead + "# Mine.\n" + block + siteTemplates,
		},
		"a text that looks like it": {
			siteHead + "templates:\n  - name: a\n    steps:\n      - evaluate: |\n          l:\n          cleanup:\n            for (;;) break l\n    items: [{fields: {t: h1}}]\n",
			siteHead + "templates:\n  - name: a\n    steps:\n      - evaluate: |\n          l:\n          cleanup:\n            for (;;) break l\n    items: [{fields: {t: h1}}]\n" + block,
		},
	} {
		t.Run(name, func(t *testing.T) {
			after, said := configured(t, "shop.yaml", c.before, recreate)
			require.Equal(t, c.after, after)
			require.Equal(t, "Wrote to shop.yaml: cleanup: recreate-page=run", said)
			again, _ := configured(t, "shop.yaml", after, recreate)
			require.Equal(t, after, again, "a second time nothing changes")

			after, _ = configured(t, "shop.yaml", strings.ReplaceAll(c.before, "\n", "\r\n"), recreate)
			require.Equal(t, strings.ReplaceAll(c.after, "\n", "\r\n"), after, "with the line ends of the file")
		})
	}
}

// TestOnlyTheCleanupsOfAConfigurationChange: all else stays, byte for byte.
func TestOnlyTheCleanupsOfAConfigurationChange(t *testing.T) {
	e := recommending([]string{"recreate-page=every 10 runs"}, "storage")
	block := written + "cleanup:\n  - recreate-page=every 10 runs\n"
	const head, tail = "# Ours.\nsites: shops # all\n\n", "\n# Few.\npool:\n  tabs: 2\n"
	for name, c := range map[string]struct{ before, after string }{
		"empty":           {"", block},
		"a comment alone": {"# Ours.\n", "# Ours.\n" + block},
		"absent":          {head + tail, head + tail + block},
		"last":            {head + "cleanup:\n- storage\n- go-gc=cycle", head + block + "  - go-gc=cycle\n"},
		"middle":          {head + "cleanup: [storage, \"gc=every 10 pages\"] # why\n" + tail, head + written + "cleanup:\n  - gc=every 10 pages\n  - recreate-page=every 10 runs\n" + tail},
		"a single text":   {head + "cleanup: storage\n" + tail, head + block + tail},
	} {
		t.Run(name, func(t *testing.T) {
			after, said := configured(t, "ebb.yaml", c.before, e)
			require.Equal(t, c.after, after)
			require.Contains(t, said, "Wrote to ebb.yaml: cleanup: ")
			require.Contains(t, said, "recreate-page=every 10 runs")
		})
	}
}

// TestCleanupsThatWereNotComparedStay: what was compared and is not needed goes, or is switched off where
// it would be done without a word.
func TestCleanupsThatWereNotComparedStay(t *testing.T) {
	const tab = siteHead + "isolation: tab\n" + siteTemplates
	tabs := &sites.Site{Name: "shop", Isolation: sites.IsolationTab, Keep: sites.KeepNone}
	for _, c := range []struct {
		name, file, text string
		e                memprof.Experiment
		run              []*sites.Site
		configured       []string
		want             string
	}{
		{
			"others stay", "shop.yaml", siteHead + "cleanup: {gc: page, storage: run, go-gc: off}\n" + siteTemplates,
			recommending([]string{"blank=run"}, "storage"), nil, nil, "blank=run, gc=page, go-gc=off",
		},
		{
			"a time changes", "shop.yaml", siteHead + "cleanup: {gc: page}\n" + siteTemplates,
			recommending([]string{"gc=every 2 runs"}), nil, nil, "gc=every 2 runs",
		},
		{"blank is done by default", "shop.yaml", tab, recommending(nil, "blank", "gc"), nil, nil, "blank=off"},
		{"blank was off", "shop.yaml", siteHead + "isolation: tab\ncleanup: {blank: off}\n" + siteTemplates, recommending(nil, "blank"), nil, nil, "blank=off"},
		{"blank is not done by default", "shop.yaml", siteHead + siteTemplates, recommending(nil, "blank", "gc"), nil, nil, "none"},
		{"blank was not compared", "shop.yaml", tab, recommending(nil, "gc"), nil, nil, "none"},
		{"the configuration would do it", "shop.yaml", siteHead + siteTemplates, recommending(nil, "storage", "gc"), nil, []string{"storage=page", "gc=off"}, "storage=off"},
		{"a configuration for tabs", "ebb.yaml", "cleanup: [gc]\n", recommending(nil, "blank", "gc"), []*sites.Site{tabs}, nil, "blank=off"},
		{"a configuration for others", "ebb.yaml", "cleanup: [gc, blank]\n", recommending(nil, "blank", "gc"), nil, nil, "none"},
		{"by an alias", "ebb.yaml", "sites: [&a gc=page]\ncleanup: [*a, storage]\n", recommending(nil, "storage"), nil, nil, "gc=page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
			w, err := newConfigWriter(path, append(c.run, &sites.Site{Name: "shop"}), c.configured, nil)
			require.NoError(t, err)
			said, err := w.write(c.e, "shop.ebb.jsonl")
			require.NoError(t, err)
			require.Equal(t, "Wrote to "+path+": cleanup: "+c.want, said)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			has, err := w.existing(data)
			require.NoError(t, err)
			var rules []string
			for _, rule := range has.Rules() {
				rules = append(rules, rule.Name+"="+string(rule.When))
			}
			require.Equal(t, strings.TrimPrefix(c.want, "none"), strings.Join(rules, ", "))
		})
	}
}

// TestWhatCannotBeChangedIsRefusedBefore: nobody waits for an experiment whose outcome has no place.
func TestWhatCannotBeChangedIsRefusedBefore(t *testing.T) {
	shop := []*sites.Site{{Name: "shop"}}
	for _, c := range []struct{ name, text, want string }{
		{"a site in braces", "{name: shop, start: 'http://127.0.0.1:9/', templates: [{name: a, items: [{fields: {t: h1}}]}]}\n", " is written in braces, {...}: write its keys on lines of their own"},
		{"a configuration in braces", "{pool: {tabs: 2}}\n", " is written in braces, {...}: write its keys on lines of their own"},
		{"what others refer to", "cleanup: &all [gc]\nbrowser: {flags: *all}\n", " cannot be replaced: "},
		{"a cleanup there is not", "cleanup: [gcc]\n", `: cleanup: there is no cleanup "gcc"; did you mean gc?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.yaml")
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o644))
			_, err := newConfigWriter(path, shop, nil, nil)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, c.want)
			var exit *exitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, exitUsage, exit.code)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, c.text, string(data))
		})
	}
}

// TestASitesOwnWordGoesBeforeAConfiguration: what would have no effect is not written.
func TestASitesOwnWordGoesBeforeAConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ebb.yaml")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	run := []*sites.Site{{Name: "shop", Cleanup: sites.Cleanup{GC: sites.AfterPage}}}
	compared := []memprof.PlannedCleanup{{Name: "storage"}, {Name: "gc"}}
	_, err := newConfigWriter(path, run, nil, compared)
	require.EqualError(t, err, "--write-config: site shop says gc: page itself, which goes before a configuration: name its site file")
	_, err = newConfigWriter(path, run, nil, compared[:1])
	require.NoError(t, err)
}

// TestAFileThatChangesMeanwhile: what is written to is the file as it is then.
func TestAFileThatChangesMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.yaml")
	require.NoError(t, os.WriteFile(path, []byte(siteHead+siteTemplates), 0o644))
	w, err := newConfigWriter(path, []*sites.Site{{Name: "shop"}}, nil, nil)
	require.NoError(t, err)
	changed := siteHead + "cleanup: {gc: page}\n" + siteTemplates
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
	said, err := w.write(recommending([]string{"blank=run"}), "shop.ebb.jsonl")
	require.NoError(t, err)
	require.Equal(t, "Wrote to "+path+": cleanup: blank=run, gc=page", said)

	for _, broken := range []string{"name: [\n", siteHead + "cleanup: {gcc: page}\n" + siteTemplates} {
		require.NoError(t, os.WriteFile(path, []byte(broken), 0o644))
		_, err = w.write(recommending([]string{"blank=run"}), "shop.ebb.jsonl")
		require.ErrorContains(t, err, "shop.yaml:")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, broken, string(data))
	}
	require.NoError(t, os.Remove(path))
	_, err = w.write(recommending([]string{"blank=run"}), "shop.ebb.jsonl")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestPermissionsAndLinksOfAFileStay: whoever could read it can, and a link leads to it.
func TestPermissionsAndLinksOfAFileStay(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "shops", "shop.yaml"), filepath.Join(folder, "link.yaml")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(siteHead+siteTemplates), 0o600))
	require.NoError(t, os.Chmod(path, 0o640))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(path, 65534, 65534))
	}
	before, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Symlink("shops/shop.yaml", link))
	w, err := newConfigWriter(link, []*sites.Site{{Name: "shop"}}, nil, nil)
	require.NoError(t, err)
	_, err = w.write(recommending([]string{"blank=run"}), "shop.ebb.jsonl")
	require.NoError(t, err)
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "shops/shop.yaml", target)
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), after.Mode())
	owner := func(info os.FileInfo) [2]uint32 {
		s := info.Sys().(*syscall.Stat_t)
		return [2]uint32{s.Uid, s.Gid}
	}
	require.Equal(t, owner(before), owner(after))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), "cleanup:\n  blank: run\n")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

// TestNothingIsWrittenWithoutARecommendation: a file stays as it is where nothing helps, or nothing is known.
func TestNothingIsWrittenWithoutARecommendation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.yaml")
	text := siteHead + "cleanup: {gc: page}\n" + siteTemplates
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	before, err := os.Stat(path)
	require.NoError(t, err)
	w, err := newConfigWriter(path, []*sites.Site{{Name: "shop"}}, nil, []memprof.PlannedCleanup{{Name: "gc"}})
	require.NoError(t, err)
	e := recommending(nil, "gc")
	e.Recommended.Flat = false
	said, err := w.write(e, "shop.ebb.jsonl")
	require.NoError(t, err)
	require.Equal(t, path+" is left as it is: nothing can be recommended", said)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(data))
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "it is not even replaced")
}
