package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// RoundTimeout bounds a round of so many pages: each has its own limit, and this one is for what hangs
// besides.
func RoundTimeout(pages int) time.Duration {
	return 2*time.Minute + time.Duration(pages)*5*time.Second
}

// Serve makes a round for each line that it reads, and writes what came of it as a line of JSON, after a
// first one that says that it is ready. It returns at the end of its input, by which a round is ended too.
func Serve(ctx context.Context, in io.Reader, out *Replies, arm Runner, pages int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := make(chan struct{})
	go func() { // it ends with the input, which ends with this process at the latest
		defer cancel()
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			select {
			case orders <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	if err := out.tell(reply{}); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-orders:
		}
		round, err := timed(ctx, arm, pages)
		if ctx.Err() != nil {
			return nil
		}
		said := reply{Round: round}
		if err != nil {
			said.Error = err.Error()
		}
		if err := out.tell(said); err != nil {
			return err
		}
	}
}

func timed(ctx context.Context, arm Runner, pages int) (Round, error) {
	limit := RoundTimeout(pages)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done within %s", limit))
	defer cancel()
	return arm.Round(ctx)
}

// Mark says how far a round has come.
type Mark struct {
	// Pages have been done, in Took.
	Pages int           `json:"pages"`
	Took  time.Duration `json:"took_ns"`
}

// Replies is what an arm's process says to the one that measures it, a line of JSON each. It may be used
// concurrently.
type Replies struct {
	mu    sync.Mutex // owns lines
	lines *json.Encoder
}

// NewReplies writes to out.
func NewReplies(out io.Writer) *Replies { return &Replies{lines: json.NewEncoder(out)} }

// Mark says how far the round has come that is under way. That nobody listens is told by the round.
func (r *Replies) Mark(m Mark) { _ = r.tell(reply{Mark: &m}) }

func (r *Replies) tell(said reply) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Encode(said)
}

// reply is a line that an arm's process writes: a mark, or the end of a round.
type reply struct {
	Round Round  `json:"round"`
	Mark  *Mark  `json:"mark,omitempty"`
	Error string `json:"error,omitempty"`
}

func (r reply) err() error {
	if r.Error == "" {
		return nil
	}
	return errors.New(r.Error)
}
