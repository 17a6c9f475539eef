package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/sites"
)

// StartupSchema is what the figures of a start call themselves as JSON.
const StartupSchema = "ebb.bench-start/1"

// StartupOptions say how the start of `ebb scrape` is compared with the start of a bare Chrome.
type StartupOptions struct {
	// Job is one page.
	Job *Job
	// Launch is how the bare Chrome is started.
	Launch browser.LaunchOptions
	// Scrape is the command, which writes the page's items on standard output, as lines of JSON.
	Scrape func() *exec.Cmd
	// Pairs is how often both are started, in turns, after a first time that does not count.
	Pairs int
	// Say is told what is being done. Needed.
	Say func(text string)
}

// Startup is how long it takes until the first item is there.
type Startup struct {
	Schema     string    `json:"schema"`
	Began      time.Time `json:"began"`
	Seconds    float64   `json:"seconds"`
	Ebb        string    `json:"ebb"`
	Chrome     string    `json:"chrome"`
	Processors int       `json:"processors"`
	// Bare and Scrape are the medians of the pairs, in milliseconds; Exit is from the first item of
	// a scrape until its process has ended.
	Bare   float64 `json:"bare_ms"`
	Scrape float64 `json:"scrape_ms"`
	Exit   float64 `json:"scrape_exit_ms"`
	// Ratio is Scrape as a multiple of Bare in the same pair.
	Ratio *Ratio `json:"scrape_to_bare_ratio"`
	// First is the pair that does not count: its scrape makes its database, too.
	First StartPair   `json:"first"`
	Pairs []StartPair `json:"pairs"`
	Wrong []string    `json:"wrong,omitempty"`
	// Pass says that the median of the ratios is at most MostStartup.
	Pass bool `json:"pass"`
}

// StartPair is one start of each, in milliseconds.
type StartPair struct {
	Bare   float64 `json:"bare_ms"`
	Scrape float64 `json:"scrape_ms"`
	Exit   float64 `json:"scrape_exit_ms"`
}

// MostStartup is how long `ebb scrape` may take to its first item, as a multiple of the bare start.
const MostStartup = 1.3

// RunStartup starts both, in turns. Items that are wrong are told by the result.
func RunStartup(ctx context.Context, o StartupOptions) (*Startup, error) {
	s := &Startup{Schema: StartupSchema, Began: time.Now()}
	for i := range o.Pairs + 1 {
		var p StartPair
		var wrong []string
		var err error
		if p.Bare, wrong, err = o.bare(ctx); err != nil {
			return nil, fmt.Errorf("bare: %w", err)
		}
		s.Wrong = append(s.Wrong, wrong...)
		if p.Scrape, p.Exit, wrong, err = o.scrape(ctx); err != nil {
			return nil, err
		}
		s.Wrong = append(s.Wrong, wrong...)
		said := fmt.Sprintf("bare %.0f ms, scrape %.0f ms", p.Bare, p.Scrape)
		if i == 0 {
			s.First = p
			o.Say("warm-up: " + said)
			continue
		}
		s.Pairs = append(s.Pairs, p)
		o.Say(fmt.Sprintf("pair %d of %d: %s", i, o.Pairs, said))
	}
	s.sum()
	s.Seconds = time.Since(s.Began).Seconds()
	return s, nil
}

// sum makes the figures of the pairs.
func (s *Startup) sum() {
	var bare, scrape, exit, ratios []float64
	for _, p := range s.Pairs {
		bare, scrape, exit = append(bare, p.Bare), append(scrape, p.Scrape), append(exit, p.Exit)
		ratios = append(ratios, p.Scrape/p.Bare)
	}
	s.Bare, s.Scrape, s.Exit, s.Ratio = median(bare), median(scrape), median(exit), newRatio(ratios)
	s.Pass = s.Ratio != nil && s.Ratio.Median <= MostStartup
}

// Right says whether every item was taken as it is.
func (s *Startup) Right() bool { return len(s.Wrong) == 0 }

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// bare starts Chrome and takes the page's items.
func (o StartupOptions) bare(ctx context.Context) (took float64, wrong []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not done within %s", startLimit))
	defer cancel()
	began := time.Now()
	arm, closeArm, err := NewBare(ctx, BareOptions{Launch: o.Launch, Job: o.Job})
	if err != nil {
		return 0, nil, err
	}
	round, err := arm.Round(ctx)
	took = milliseconds(time.Since(began))
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return took, round.Wrong, errors.Join(err, closeArm())
}

// scrape runs the command to its end.
func (o StartupOptions) scrape(ctx context.Context) (first, exit float64, wrong []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("scrape: not done within %s", startLimit))
	defer cancel()
	var items []sites.Item
	var came time.Time
	var readErr error
	began := time.Now()
	c, err := startChild("scrape", o.Scrape(), nil, func(out io.Reader) {
		items, came, readErr = readItems(out)
	})
	if err != nil {
		return 0, 0, nil, err
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		return 0, 0, nil, errors.Join(context.Cause(ctx), c.terminate())
	}
	if err := c.wait(); err != nil {
		return 0, 0, nil, err
	}
	if readErr != nil {
		return 0, 0, nil, fmt.Errorf("scrape: %w", readErr)
	}
	_, wrong = o.Job.Check([]Page{{URL: o.Job.Site.Start[0], Items: items}})
	return milliseconds(came.Sub(began)), milliseconds(time.Since(came)), wrong, nil
}

// readItems reads the items that `ebb scrape` prints, and tells when the first one came.
func readItems(out io.Reader) (items []sites.Item, came time.Time, err error) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if came.IsZero() {
			came = time.Now()
		}
		var line struct {
			Kind, Key string
			Data      json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, came, fmt.Errorf("read an item: %w", err)
		}
		items = append(items, sites.Item{Kind: line.Kind, Key: line.Key, Data: line.Data})
	}
	if err := lines.Err(); err != nil {
		return nil, came, fmt.Errorf("read its items: %w", err)
	}
	if came.IsZero() {
		return nil, came, errors.New("it printed no item")
	}
	return items, came, nil
}
