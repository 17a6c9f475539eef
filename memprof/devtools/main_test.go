package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/ebbworker/ebb/memprof"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	cheap = memprof.Request{Level: memprof.LevelCheap}
	full  = memprof.Request{Level: memprof.LevelFull}
	tick  = memprof.Request{Level: memprof.LevelCheap, Tick: true}
)

// fakeSession answers commands with JSON, by method; nothing at all for errHang.
type fakeSession struct {
	mu      sync.Mutex
	answers map[string]any // a string (JSON) or an error
	calls   []string
	delay   time.Duration // before each answer
}

// slow lets a session take its time.
func slow(s *fakeSession, delay time.Duration) *fakeSession {
	s.delay = delay
	return s
}

// errHang is the answer of a command that never answers.
var errHang = errors.New("hang")

func (s *fakeSession) Call(ctx context.Context, method string, _, result any) error {
	s.mu.Lock()
	s.calls = append(s.calls, method)
	answer := s.answers[method]
	s.mu.Unlock()
	if s.delay > 0 {
		select {
		case <-time.After(s.delay):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	switch a := answer.(type) {
	case string:
		return json.Unmarshal([]byte(a), result)
	case error:
		if errors.Is(a, errHang) {
			<-ctx.Done()
			return ctx.Err()
		}
		return a
	}
	return errors.New("unexpected " + method)
}

func (s *fakeSession) Subscribe(string) (<-chan jsonv2.Value, func()) {
	panic("nothing is subscribed to")
}

func (s *fakeSession) set(method string, answer any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[method] = answer
}

// took returns the calls since the last time.
func (s *fakeSession) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

var _ cdp.Session = (*fakeSession)(nil)

// anonymous returns a process's anonymous memory, in bytes.
func anonymous(t testing.TB, pid int64) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			require.NoError(t, err)
			return kb << 10
		}
	}
	return 0
}
