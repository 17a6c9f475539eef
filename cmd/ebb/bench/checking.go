package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Checking compares pages with what they hold, as they come, and keeps none of them. It is for one
// goroutine at a time.
type Checking struct {
	job   *Job
	left  map[string]bool // pages that have not come
	items int
	wrong []string
	more  int // that are wrong, beyond those which are told
}

// Begin begins to check the pages of a round.
func (j *Job) Begin() *Checking {
	c := &Checking{job: j, left: make(map[string]bool, len(j.Site.Start))}
	for _, page := range j.Site.Start {
		c.left[page] = true
	}
	return c
}

// Page compares a page.
func (c *Checking) Page(page Page) {
	if !c.left[page.URL] {
		c.say("not asked for, or twice: %s", page.URL)
		return
	}
	delete(c.left, page.URL)
	missing := maps.Clone(c.job.truth[page.URL])
	for _, item := range page.Items {
		c.items++
		name := itemName(item.Kind, item.Key)
		want, known := missing[name]
		switch {
		case !known:
			c.say("%s: it holds no %s, or only one", page.URL, name)
		case !sameJSON(item.Data, want):
			c.say("%s: %s is %s, not %s", page.URL, name, excerpt(item.Data), excerpt(want))
		}
		delete(missing, name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		c.say("%s: %s is missing", page.URL, name)
	}
}

// End counts the items, and says what is wrong. Each page must have come once.
func (c *Checking) End() (items int, wrong []string) {
	for _, page := range slices.Sorted(maps.Keys(c.left)) {
		c.say("not done: %s", page)
	}
	if c.more > 0 {
		c.wrong = append(c.wrong, fmt.Sprintf("and %d more", c.more))
	}
	return c.items, c.wrong
}

func (c *Checking) say(format string, args ...any) {
	if len(c.wrong) == mostWrong {
		c.more++
		return
	}
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// Bounds of what is told of wrong items.
const (
	mostWrong   = 20 // of a round
	mostExcerpt = 300
)

func excerpt(data json.RawMessage) string {
	return strings.ToValidUTF8(string(data[:min(len(data), mostExcerpt)]), "")
}

// sameJSON compares two JSON texts by value.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
