package sites

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"
)

// sitesPage is docs/sites.md by heading.
func sitesPage(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../docs/sites.md")
	require.NoError(t, err)
	sections := map[string]string{}
	for _, section := range regexp.MustCompile(`(?m)^##+ `).Split(string(data), -1)[1:] {
		heading, text, _ := strings.Cut(section, "\n")
		sections[heading] = text
	}
	return sections
}

// sectionOf says under which heading the keys of a mapping stand. NamedField is a Field
// without its name.
var sectionOf = map[string]string{
	"Site": "The site", "Limits": "Limits", "Block": "Block", "Follow": "Follow", "Challenge": "Challenge", "Cleanup": "Cleanup",
	"Template": "Templates", "Wait": "Waits", "Step": "Steps", "Input": "Input", "ItemRule": "Items",
	"Source": "Sources", "Field": "Fields", "NamedField": "Fields", "LinkRule": "Links",
}

// withSourceKeys are the mappings whose sections refer to the section of sources.
var withSourceKeys = []string{"Field", "NamedField", "LinkRule"}

var (
	keyRow  = regexp.MustCompile("(?m)^\\| `([a-z_-]+)` \\|.* \\|.* \\|$")
	example = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// TestSitesPageHasEveryKey: the page has the keys of the schema, each in its section,
// and no others.
func TestSitesPageHasEveryKey(t *testing.T) {
	data, err := Schema()
	require.NoError(t, err)
	var schema jsonschema.Schema
	require.NoError(t, json.Unmarshal(data, &schema))
	objects := map[string]*jsonschema.Schema{"Site": &schema}
	for name, def := range schema.Defs {
		objects[name] = def
	}
	sections := sitesPage(t)
	for name, object := range objects {
		text, found := sections[sectionOf[name]]
		require.True(t, found, "%s has no section in docs/sites.md", name)
		keys := keysIn(text)
		if slices.Contains(withSourceKeys, name) {
			keys = append(keys, keysIn(sections["Sources"])...)
		}
		for key := range object.Properties {
			require.Contains(t, keys, key, "docs/sites.md, %s", sectionOf[name])
		}
		for _, key := range keys {
			if name == "NamedField" && key == "name" {
				continue
			}
			require.Contains(t, object.Properties, key, "docs/sites.md, %s: there is no key %s", sectionOf[name], key)
		}
	}
}

// keysIn are the keys of a section's first table.
func keysIn(text string) []string {
	table, _, _ := strings.Cut(text[max(0, strings.Index(text, "| key |")):], "\n\n")
	var keys []string
	for _, row := range keyRow.FindAllStringSubmatch(table, -1) {
		keys = append(keys, row[1])
	}
	return keys
}

// TestSitesPageExamples: each example of the page is a site file, or becomes one with
// the keys that a site file must have.
func TestSitesPageExamples(t *testing.T) {
	examples := 0
	for heading, text := range sitesPage(t) {
		for _, found := range example.FindAllStringSubmatch(text, -1) {
			examples++
			_, err := Parse(heading, []byte(completed(found[1])))
			require.NoError(t, err, found[1])
		}
	}
	require.Equal(t, 13, examples)
	data, err := os.ReadFile("../docs/sites.md")
	require.NoError(t, err)
	first := example.FindSubmatch(data)
	_, err = Parse("the smallest one", first[1])
	require.NoError(t, err)
}

// completed adds the required keys that an example leaves out.
func completed(text string) string {
	for key, line := range map[string]string{
		"name": "name: example\n", "start": "start: https://site.example/\n", "templates": "templates: [{name: page}]\n",
	} {
		if !strings.HasPrefix(text, key+":") && !strings.Contains(text, "\n"+key+":") {
			text += line
		}
	}
	return text
}

// TestSitesPageDefaults: a default that the page names is the one that is filled in.
func TestSitesPageDefaults(t *testing.T) {
	site, err := Parse("defaults", []byte(completed("")))
	require.NoError(t, err)
	sections := sitesPage(t)
	for _, row := range [][3]string{
		{"The site", "timezone", site.Timezone},
		{"The site", "timeout", "30m"},
		{"The site", "overlap", string(site.Overlap)},
		{"The site", "missed", string(site.Missed)},
		{"The site", "isolation", string(site.Isolation)},
		{"The site", "keep", string(site.Keep)},
		{"The site", "challenge", string(site.Challenge.Mode)},
		{"The site", "robots", string(site.Robots)},
		{"Limits", "pages", jsonOf(t, site.Limits.Pages)},
		{"Limits", "depth", jsonOf(t, site.Limits.Depth)},
		{"Limits", "burst", jsonOf(t, site.Limits.Burst)},
		{"Limits", "per_host", jsonOf(t, site.Limits.PerHost)},
		{"Limits", "tabs", jsonOf(t, site.Limits.Tabs)},
		{"Limits", "retries", jsonOf(t, site.Limits.Retries)},
		{"Limits", "page_timeout", site.Limits.PageTimeout.String()},
		{"Limits", "hang", site.Limits.Hang.String()},
		{"Limits", "page_size", site.Limits.PageSize.String()},
		{"Limits", "item_size", site.Limits.ItemSize.String()},
		{"Limits", "rate", site.Limits.Rate.String()},
		{"Challenge", "limit", site.Challenge.Limit.String()},
		{"Fields", "locale", defaultLocale},
		{"Links", "attr", defaultLinkAttr},
	} {
		require.Contains(t, sections[row[0]], "| `"+row[1]+"` | `"+row[2]+"` |", row[0])
	}
	require.Equal(t, defaultTimeout, site.Timeout)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}
