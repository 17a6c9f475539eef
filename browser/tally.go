package browser

import "fmt"

// tally adds up what was there and what is left.
type tally struct {
	of          string
	found, left int
	bytes       float64
	known       bool // every byte count was
	unseen      int  // places that were cleared and could not be looked at
}

func (t *tally) add(k store, before, after stored) {
	t.found += k.count(before)
	t.left += k.count(after)
	was, ok1 := k.bytes(before)
	is, ok2 := k.bytes(after)
	t.bytes += max(0, was-is)
	t.known = t.known && ok1 && ok2
}

// tell puts the sum into a report.
func (t *tally) tell(c *cleaning) {
	r := c.report
	r.Count, r.Of = r.Count+max(0, t.found-t.left), t.of
	r.Bytes, r.BytesKnown = r.Bytes+t.bytes, t.known
	switch {
	case t.found == 0 && t.left == 0 && r.Err != nil: // nobody has looked
	case t.found == 0 && t.left == 0:
		c.say("no %s were there", t.of)
	default:
		c.say("%d of %d %s left", t.left, t.found, t.of)
	}
	if t.unseen > 0 {
		c.say("%s cleared without a look", plural(t.unseen, "partitioned key was", "partitioned keys were"))
	}
	c.unsure = c.unsure || t.left > 0 || t.unseen > 0
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
