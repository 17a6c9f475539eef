package budget

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// climbing lets tabs work for so long, and returns the climb and how often it changed its mind. rate is the pages
// a second of a number of tabs, each second of which is off by noise as a share.
func climbing(c *Climb, hours float64, seed uint64, noise float64, rate func(tabs int) float64, set func(*Pace)) (changes int) {
	const tick = 500 * time.Millisecond
	r := rand.New(rand.NewPCG(seed, 1))
	at, pages := time.Unix(0, 0), 0.0
	for range int(hours * float64(time.Hour/tick)) {
		at = at.Add(tick)
		pages += max(0, rate(c.Tabs())*(1+noise*r.NormFloat64())) * tick.Seconds()
		p := Pace{At: at, Pages: int64(pages), Full: true}
		if set != nil {
			set(&p)
		}
		if _, changed := c.Next(p); changed {
			changes++
		}
	}
	return changes
}

// Tabs are added while they pay, and not beyond.
func TestClimbFindsTheKnee(t *testing.T) {
	knee := func(at int) func(int) float64 {
		return func(tabs int) float64 { return 4 * float64(min(tabs, at)) }
	}
	falling := func(tabs int) float64 { return 12 - 0.3*float64(max(tabs-3, 0)) }
	saturated := func(p *Pace) { p.Saturated = true }
	for name, c := range map[string]struct {
		begin, most int
		rate        func(int) float64
		set         func(*Pace)
		low, high   int
	}{
		"up to the knee":                       {4, 16, knee(7), nil, 7, 7},
		"no more than there may be":            {4, 8, knee(100), nil, 8, 8},
		"in larger steps where there are many": {64, 128, knee(100), nil, 90, 112},
		"beyond the knee, idle processors":     {8, 16, knee(5), nil, 8, 8},
		"beyond the knee, saturated":           {8, 16, knee(5), saturated, 5, 5},
		"more are slower, saturated":           {8, 16, falling, saturated, 1, 4},
		"memory is short":                      {4, 16, knee(9), func(p *Pace) { p.Short = true }, 4, 4},
		"nobody waits":                         {4, 16, knee(9), func(p *Pace) { p.Full = false }, 4, 4},
		"somebody waits half of the time":      {4, 16, knee(9), func(p *Pace) { p.Full = p.At.Unix()%2 == 0 }, 4, 4},
		"one is the least":                     {1, 1, knee(9), saturated, 1, 1},
		"nothing gets done":                    {4, 16, func(int) float64 { return 0 }, nil, 4, 4},
		"slow pages":                           {2, 8, func(tabs int) float64 { return 0.15 * float64(min(tabs, 4)) }, nil, 4, 4},
	} {
		t.Run(name, func(t *testing.T) {
			climb := NewClimb(c.begin, c.most)
			climbing(climb, 8, 1, 0, c.rate, c.set)
			require.GreaterOrEqual(t, climb.now, c.low)
			require.LessOrEqual(t, climb.now, c.high)
		})
	}
}

// Where the number of tabs makes no difference, noise alone seldom adds any: of 100 workers in a day, each of
// whose seconds are off by a fifth, not a tenth has two more than at the start.
func TestClimbIsNotLedByNoise(t *testing.T) {
	wrong := 0
	for seed := range uint64(100) {
		climb := NewClimb(4, 8)
		climbing(climb, 24, seed, 0.2, func(int) float64 { return 10 }, nil)
		if climb.now > 5 {
			wrong++
		}
	}
	require.Less(t, wrong, 10)
}

// A clear gain is found through the same noise.
func TestClimbSeesThroughNoise(t *testing.T) {
	found := 0
	for seed := range uint64(100) {
		climb := NewClimb(4, 8)
		climbing(climb, 4, seed, 0.2, func(tabs int) float64 { return 2.5 * float64(min(tabs, 6)) }, nil)
		if climb.now >= 6 {
			found++
		}
	}
	require.Greater(t, found, 95)
}

// A trial ends at once when memory becomes short, and when nobody waits any more.
func TestClimbGivesUpATrial(t *testing.T) {
	climb := NewClimb(4, 16)
	at := time.Unix(0, 0)
	pages := int64(0)
	next := func(p Pace) {
		at, pages = at.Add(time.Second), pages+20
		p.At, p.Pages = at, pages
		climb.Next(p)
	}
	for climb.Tabs() == 4 {
		next(Pace{Full: true})
	}
	require.Equal(t, 5, climb.Tabs())
	next(Pace{Full: true, Short: true})
	require.Equal(t, 4, climb.Tabs())
	for range 30 {
		next(Pace{Full: true})
	}
	require.Nil(t, climb.trial, "it rests")
}

// What was decided is told with its figures.
func TestClimbSaysWhy(t *testing.T) {
	for rate, want := range map[float64]string{4: "5 tabs instead of 4: 20.0 pages/s against 16.0", 0: "4 tabs stay: 5 made 10.0 pages/s, and these 10.0"} {
		climb := NewClimb(4, 16)
		at, pages, says := time.Unix(0, 0), 0.0, ""
		for range 1000 {
			per := 10.0
			if rate > 0 {
				per = rate * float64(climb.Tabs())
			}
			at, pages = at.Add(time.Second), pages+per
			if says, _ = climb.Next(Pace{At: at, Pages: int64(pages), Full: true}); says != "" {
				break
			}
		}
		require.Equal(t, want, says)
	}
}
