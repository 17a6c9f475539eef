package sites

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const smallSite = "name: small\nstart: http://small.example/\ntemplates: {name: page, items: {fields: {title: h1}}}\n"

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func namesOf(sites []*Site) []string {
	var all []string
	for _, s := range sites {
		all = append(all, s.Name)
	}
	return all
}

func TestExamplesAreRight(t *testing.T) {
	sites, err := LoadAll("examples")
	require.NoError(t, err)
	require.Equal(t, []string{"dashboard", "postgresql-doc", "python3-doc", "shop-login"}, namesOf(sites))
}

func TestDefaults(t *testing.T) {
	s, err := Parse("small.yaml", []byte(smallSite))
	require.NoError(t, err)
	s.at = nil
	require.Equal(t, &Site{
		Name: "small", Start: []string{"http://small.example/"}, File: "small.yaml",
		Timezone: "UTC", Timeout: Duration(30 * time.Minute), Overlap: OverlapSkip, Missed: MissedLatest,
		Isolation: IsolationContext, Keep: KeepNone, Frames: FramesLazy, Robots: RobotsObey,
		Challenge: Challenge{Mode: ChallengeFail, Limit: Duration(30 * time.Second)},
		Limits: Limits{
			Pages: 1000, Depth: new(10), PageTimeout: Duration(30 * time.Second), Hang: Duration(time.Second), PageSize: 20_000_000, ItemSize: 1_000_000,
			Rate: 5, Burst: 1, PerHost: 2, Tabs: 2, Retries: new(2),
		},
		Templates: []Template{{
			Name: "page",
			Wait: []Wait{{Event: WaitDOM, Timeout: Duration(30 * time.Second)}},
			Items: []ItemRule{{Name: "page", Fields: []Field{{
				Name: "title", Source: Source{CSS: "h1"}, Type: TypeText,
			}}}},
		}},
	}, s)
}

// What may be zero stays zero when the file says so.
func TestZeroesThatAreGiven(t *testing.T) {
	s, err := Parse("", []byte(smallSite+"limits: {depth: 0, retries: 0, rate: none}\njitter: 0\n"))
	require.NoError(t, err)
	require.Zero(t, *s.Limits.Depth)
	require.Zero(t, *s.Limits.Retries)
	require.Zero(t, s.Limits.Rate)
}

// A short run shortens the times within it that the file leaves out.
func TestDefaultsFitTheTimeout(t *testing.T) {
	s, err := Parse("", []byte(smallSite+"timeout: 5s\n"))
	require.NoError(t, err)
	require.Equal(t, Duration(5*time.Second), s.Limits.PageTimeout)
	require.Equal(t, Duration(5*time.Second), s.Challenge.Limit)
	require.Equal(t, Duration(5*time.Second), s.Templates[0].Wait[0].Timeout)
}

func TestKeepDefaultsToTab(t *testing.T) {
	s, err := Load("testdata/good/kept.yaml")
	require.NoError(t, err)
	require.Equal(t, IsolationTab, s.Isolation)
	require.Equal(t, s.Templates[0].Items[0].Fields, s.Templates[0].Items[1].Fields)
}

func TestShortForms(t *testing.T) {
	s, err := Load("testdata/good/short-forms.yaml")
	require.NoError(t, err)
	require.Equal(t, ChallengeWait, s.Challenge.Mode)
	require.Equal(t, []ResourceKind{KindImage}, s.Block.Kinds)
	require.Equal(t, []Pattern{"/**"}, s.Follow.Allow)
	page := s.Templates[0]
	require.Equal(t, WaitNetworkIdle, page.Wait[0].Event)
	require.Equal(t, 3, page.Steps[0].Times)
	require.Equal(t, "a.next", page.Links[0].CSS)
	require.Equal(t, "href", page.Links[0].Attr)
	item := page.Items[0]
	require.Equal(t, ".card", item.Each.CSS)
	require.Equal(t, []string{"title"}, item.Key)
	require.Equal(t, "name", item.Fields[1].Name)
	require.Equal(t, ".name", item.Fields[1].CSS)
	require.Equal(t, TypeNumber, item.Fields[3].Fields[1].Type)
	require.Equal(t, 1.5, item.Fields[3].Fields[1].Default)
}

func TestCompleteInMemory(t *testing.T) {
	s := New("made", "http://made.example/")
	s.Templates = []Template{{Name: "page", Items: []ItemRule{{Fields: []Field{{Name: "title", Source: Source{CSS: "h1"}}}}}}}
	require.NoError(t, s.Complete())
	require.Equal(t, Rate(5), s.Limits.Rate)
	require.Equal(t, 1000, s.Limits.Pages)
	require.Equal(t, "page", s.Templates[0].Items[0].Name)

	s = New("Made up", "made.example")
	s.Keep, s.Isolation = KeepPage, IsolationPage
	s.Limits.Tabs = -1
	require.EqualError(t, s.Complete(), `site: limits.tabs: -1 is less than the least value, 1
site: name: "Made up" is not a name; use lower-case letters, digits, '-' and '_', at most 64 characters
site: start[0]: "made.example" is not absolute; write https://made.example
site: isolation: page ends what keep: page leaves open; write isolation: tab, or leave it out
site: templates: is missing; say what the pages are: give at least one template`)
}

func TestLoadAll(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/b.yaml", "name: b\n"+smallSite[len("name: small\n"):])
	writeFile(t, dir+"/a.yml", "name: a\n"+smallSite[len("name: small\n"):])
	writeFile(t, dir+"/.hidden.yaml", "nonsense")
	writeFile(t, dir+"/notes.txt", "nonsense")
	writeFile(t, dir+"/sub.yaml/c.yaml", "nonsense")
	sites, err := LoadAll(dir, dir+"/b.yaml")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, namesOf(sites))
	require.Equal(t, dir+"/a.yml", sites[0].File)

	sites, err = LoadAll(dir+"/b.yaml", dir)
	require.NoError(t, err)
	require.Equal(t, []string{"b", "a"}, namesOf(sites))

	sites, err = LoadAll()
	require.NoError(t, err)
	require.Empty(t, sites)
}

func TestLoadAllGivesEveryFaultAndWhatIsRight(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/1.yaml", smallSite)
	writeFile(t, dir+"/2.yaml", smallSite+"color: red\ntimeout: 5\n")
	writeFile(t, dir+"/3.yaml", "# again\n"+smallSite)
	sites, err := LoadAll(dir)
	require.Equal(t, []string{"small"}, namesOf(sites))
	var faults Faults
	require.ErrorAs(t, err, &faults)
	require.EqualError(t, err, dir+`/2.yaml:4:1: color: unknown key "color"; known are name, description, start, schedule, timezone, `+
		`jitter, timeout, overlap, missed, isolation, keep, frames, challenge, user_agent, robots, cleanup, limits, block, egress, follow, templates
`+dir+`/2.yaml:5:10: timeout: duration 5 has no unit; write 5s, 5m or 5h
`+dir+`/3.yaml:2:7: name: the site "small" is already in `+dir+`/1.yaml; give each site a name of its own`)

	sites, err = LoadAll(dir+"/1.yaml", dir+"/none.yaml", dir+"/2.yaml")
	require.Len(t, sites, 1)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorAs(t, err, &faults)
	require.Len(t, faults, 2)

	empty := t.TempDir()
	_, err = LoadAll(empty)
	require.EqualError(t, err, "find site files: "+empty+" holds no *.yaml and no *.yml")
}

func TestLoadOfWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := Load(dir + "/none.yaml")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Load(dir)
	require.ErrorContains(t, err, "read site file: ")
}

// The limit holds where the file is read, not only where it is parsed.
func TestLoadStopsAtTheLargestFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "large.yaml"))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(1<<40)) // sparse: a reader without a limit would not end
	require.NoError(t, f.Close())
	_, err = Load(f.Name())
	require.ErrorContains(t, err, ":1:1: the file is larger than 1MiB")
}

func TestWarnings(t *testing.T) {
	s, err := Parse("w", []byte(`name: w
start: [http://w.example/, http://w.example/]
jitter: 1s
missed: all
robots: ignore
challenge: {limit: 5s}
limits: {rate: none, burst: 2, depth: 0, tabs: 1, per_host: 2}
templates:
  - name: list
    links: [a]
  - name: idle
  - name: lost
    items: {fields: {a: a}}
`))
	require.NoError(t, err)
	require.EqualError(t, s.Warnings(), `w:2:28: start[1]: stands here twice and is visited once; remove one
w:3:9: jitter: has no effect: the site has no schedule; add schedule, for example @every 1h
w:4:9: missed: has no effect: the site has no schedule; add schedule, for example @every 1h
w:5:9: robots: robots.txt is ignored; make sure that the site's owner agrees
w:6:20: challenge.limit: has no effect: a challenge page fails at once; write mode: wait
w:7:16: limits.rate: pages are asked for without a limit of rate; make sure that the host can bear it
w:7:29: limits.burst: has no effect: there is no limit of rate
w:7:61: limits.per_host: has no effect: the site opens at most 1 pages; raise limits.tabs
w:10:13: templates[0].links[0]: is never followed: limits.depth is 0
w:11:11: templates[1].name: nothing leads to template "idle"; give it match, or name it in a link
w:11:11: templates[1].name: template "idle" takes nothing; give it items, links or steps
w:12:11: templates[2].name: nothing leads to template "lost"; give it match, or name it in a link`)

	s, err = Parse("k", []byte("name: k\nstart: http://k.example/\nkeep: page\ntemplates: {name: a, items: {fields: {a: a}}}\n"))
	require.NoError(t, err)
	require.EqualError(t, s.Warnings(), "k:3:7: keep: the page stays open, but no step is repeated on it; add steps")

	s, err = Parse("f", []byte(smallSite+"follow: {deny: /}\n"))
	require.NoError(t, err)
	require.EqualError(t, s.Warnings(), "f:2:8: start[0]: the follow rules leave it out: deny /; allow it, so that links back to it are followed")

	s, err = Load("examples/shop-login.yaml")
	require.NoError(t, err)
	require.Empty(t, s.Warnings())
}
