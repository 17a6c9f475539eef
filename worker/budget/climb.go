package budget

import (
	"fmt"
	"slices"
	"time"
)

// Climb finds how many tabs are worth having by measuring: it compares the pages a second of the present
// number with those of some more, or some fewer, in blocks of pages that take turns (now, other, other, now, ...),
// so that what drifts meanwhile hits both. More stay only where they gain clearly, fewer where they lose nothing
// and the processors are saturated, and both only where a second trial says the same. It is for one goroutine.
type Climb struct {
	most, now int

	trial *comparison // nil while none is made
	down  bool        // fewer are tried next
	again bool        // the last trial was for the other number: the next must be so too
	rest  time.Duration
	until time.Time // no trial begins before
}

// Pace is what is known of the work at one moment.
type Pace struct {
	At time.Time
	// Pages is how many have ended since the start.
	Pages int64
	// Full says that somebody waits for a tab: otherwise their number does not matter.
	Full bool
	// Saturated says that the processors have no time left.
	Saturated bool
	// Short says that memory is, or was just now: then no tabs are added.
	Short bool
}

const (
	// clearGain is what more tabs must gain in the middle of a trial's comparisons, in all of which they
	// must be faster, and fewerLoss what fewer may lose.
	clearGain, fewerLoss = 1.03, 0.99
	// A block has at least blockPages pages, and so many for each tab, and takes blockTime at least and
	// blockMost at most.
	blockPages, blockTabPages = 30, 4
	blockTime, blockMost      = 5 * time.Second, 5 * time.Minute
	// fullShare is the share of a block's readings at which somebody must wait for a tab, and
	// saturatedShare that of a trial's from which the processors count as saturated.
	fullShare, saturatedShare = 0.8, 0.8
	// leastRest and mostRest bound the time without a trial after one that changed nothing in either
	// direction; it doubles.
	leastRest, mostRest = time.Minute, 32 * time.Minute
	// climbStep is the part of the present number by which it changes, one at least.
	climbStep = 8
)

// trialOrder says which blocks of a trial have the other number.
var trialOrder = [...]bool{false, true, true, false, false, true, true, false}

// comparison is a trial: it compares two numbers of tabs.
type comparison struct {
	other     int
	rates     []float64 // of the blocks that have ended, in pages a second
	block     block
	readings  int
	saturated int
}

// block is the work of one number of tabs for a while.
type block struct {
	began    Pace // zero until as many pages have ended as there are tabs: those began before
	entered  Pace
	readings int
	full     int
}

// NewClimb begins with some tabs, of most at most.
func NewClimb(begin, most int) *Climb {
	most = max(most, 1)
	return &Climb{most: most, now: min(max(begin, 1), most), rest: leastRest}
}

// Tabs is how many there should be at this moment, those of a trial included.
func (c *Climb) Tabs() int {
	if t := c.trial; t != nil && trialOrder[len(t.rates)] {
		return t.other
	}
	return c.now
}

// Trying says whether a trial is made, which needs a reading every now and then. Otherwise readings at which
// nobody waits for a tab may be left out.
func (c *Climb) Trying() bool { return c.trial != nil }

// Next takes a reading. It says what came of a trial that has ended: how many tabs there are from now on, and
// whether that is another number than before.
func (c *Climb) Next(p Pace) (says string, changed bool) {
	if c.trial == nil {
		c.begin(p)
		return "", false
	}
	t := c.trial
	if t.other > c.now && p.Short {
		c.giveUp(p)
		return "", false
	}
	t.readings++
	if p.Saturated {
		t.saturated++
	}
	rate, ended, useful := t.block.take(p, c.Tabs())
	switch {
	case !useful:
		c.giveUp(p)
		return "", false
	case !ended:
		return "", false
	}
	t.rates = append(t.rates, rate)
	t.block = block{entered: p}
	if len(t.rates) < len(trialOrder) {
		return "", false
	}
	return c.judge(p)
}

// begin begins a trial where one is due.
func (c *Climb) begin(p Pace) {
	if !p.Full || p.At.Before(c.until) {
		return
	}
	step := max(c.now/climbStep, 1)
	other := min(c.now+step, c.most)
	if c.down {
		other = max(c.now-step, 1)
	}
	if other == c.now || other > c.now && p.Short {
		c.turn(p, false, !c.down && c.now > 1 && p.Saturated)
		return
	}
	c.trial = &comparison{other: other, block: block{entered: p}}
}

// giveUp ends a trial that says nothing.
func (c *Climb) giveUp(p Pace) {
	c.trial, c.again, c.until = nil, false, p.At.Add(leastRest)
}

// take takes a reading of a block. It returns its pages a second once it has ended; a block in which too few
// waited for a tab, or that takes too long, is not useful.
func (b *block) take(p Pace, tabs int) (rate float64, ended, useful bool) {
	if p.At.Sub(b.entered.At) > blockMost {
		return 0, false, false
	}
	if b.began.At.IsZero() {
		if p.Pages-b.entered.Pages >= int64(tabs) {
			b.began = p
		}
		return 0, false, true
	}
	b.readings++
	if p.Full {
		b.full++
	}
	pages, took := p.Pages-b.began.Pages, p.At.Sub(b.began.At)
	if pages < int64(max(blockPages, blockTabPages*tabs)) || took < blockTime {
		return 0, false, true
	}
	if float64(b.full) < fullShare*float64(b.readings) {
		return 0, false, false
	}
	return float64(pages) / took.Seconds(), true, true
}

// judge says what came of a trial.
func (c *Climb) judge(p Pace) (says string, changed bool) {
	t := c.trial
	c.trial = nil
	var ratios []float64
	now, other := 0.0, 0.0
	for i := 0; i < len(t.rates); i += 2 { // neighbours
		a, b := t.rates[i], t.rates[i+1]
		if trialOrder[i] {
			a, b = b, a
		}
		ratios, now, other = append(ratios, b/a), now+a, other+b
	}
	slices.Sort(ratios)
	middle := (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2]) / 2
	saturated := float64(t.saturated) >= saturatedShare*float64(t.readings)
	more := t.other > c.now
	better := more && middle >= clearGain && ratios[0] > 1 || !more && saturated && middle >= fewerLoss
	if c.again = better && !c.again; c.again {
		return "", false
	}
	was, keep := c.now, better
	if keep {
		c.now = t.other
	}
	c.turn(p, keep, more && saturated && c.now > 1)
	n := float64(len(ratios))
	says = fmt.Sprintf("%d tabs instead of %d: %.1f pages/s against %.1f", c.now, was, other/n, now/n)
	if !keep {
		says = fmt.Sprintf("%d tabs stay: %d made %.1f pages/s, and these %.1f", c.now, t.other, other/n, now/n)
	}
	return says, keep
}

// turn says what comes after a trial: the same again where it was kept, fewer tabs where more gained nothing
// and the processors are saturated, or else a rest.
func (c *Climb) turn(p Pace, kept, fewer bool) {
	switch {
	case kept:
		c.rest = leastRest
	case fewer:
		c.down = true
	default:
		c.down, c.until = false, p.At.Add(c.rest)
		c.rest = min(2*c.rest, mostRest)
	}
}
