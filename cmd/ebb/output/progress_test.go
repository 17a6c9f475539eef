package output

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clock is a time that only moves when told to.
type clock struct{ now time.Time }

func newClock() *clock                    { return &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }
func (c *clock) Now() time.Time           { return c.now }
func (c *clock) move(d time.Duration)     { c.now = c.now.Add(d) }
func (c *clock) options() ProgressOptions { return ProgressOptions{Now: c.Now} }
func lines(out *bytes.Buffer) (lines []string) {
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out, TTY: true, Width: 100}, clock.options())
	for i := range int64(300) {
		p.Update(Status{Label: "shop", Done: i + 1, Found: 300, Items: i, Failed: i / 150, MemoryBytes: 309 << 20})
		clock.move(20 * time.Millisecond)
	}
	paintings := strings.Split(out.String(), "\r")[1:]
	require.Len(t, paintings, 60, "at most ten paintings a second")
	require.Equal(t, "shop: 296/300 pages (1 failed) · 295 items · 50.2 pages/s · ETA 0 s · 309 MiB\x1b[K", paintings[59])
	require.NotContains(t, out.String(), "\n", "all in one place")
	p.Close()
	require.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "nothing is left")
	size := out.Len()
	p.Update(Status{Done: 1})
	p.Close()
	require.Equal(t, size, out.Len(), "nothing comes after the end")
}

func TestProgressLineFitsTheTerminal(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out, TTY: true, Width: 30}, clock.options())
	p.Update(Status{Label: "a long \x1b[31m label", Done: 123456, Found: 999999})
	require.Equal(t, "\r"+`a long \x1b[31m label: 123,4…`+"\x1b[K", out.String())
}

func TestProgressOfWhatHasNoPages(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out, TTY: true, Width: 60}, clock.options())
	p.Update(Status{Label: "closing Chrome"})
	require.Equal(t, "\rclosing Chrome\x1b[K", out.String())
	out.Reset()
	clock.move(time.Second)
	p.Update(Status{Label: "closing Chrome", MemoryBytes: 3 << 20})
	require.Equal(t, "\rclosing Chrome: 3.0 MiB\x1b[K", out.String())
}

func TestProgressMakesWayForLogs(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out, TTY: true}, clock.options())
	p.Printf("before %d", 1)
	require.Equal(t, "before 1\n", out.String(), "without a line nothing has to make way")
	p.Update(Status{Done: 1, Found: 2})
	out.Reset()
	n, err := p.Write([]byte("half a"))
	require.NoError(t, err)
	require.Equal(t, 6, n)
	require.Empty(t, out.String(), "half a line waits")
	_, err = p.Write([]byte(" line\nnext"))
	require.NoError(t, err)
	require.Equal(t, "\r\x1b[Khalf a line\n\r1/2 pages · 0 items\x1b[K", out.String())
	out.Reset()
	p.Close()
	require.Equal(t, "\r\x1b[Knext", out.String(), "what waited is not lost")
}

func TestProgressInPlainLines(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out}, clock.options())
	p.Update(Status{Label: "shop", Done: 1, Found: 1})
	for i := range int64(299) {
		clock.move(20 * time.Millisecond)
		p.Update(Status{Label: "shop", Done: i + 2, Found: 300, Items: i})
	}
	p.Close()
	got := lines(&out)
	require.Len(t, got, 10, "one each tenth")
	require.Equal(t, "shop: 30/300 pages · 28 items · 51.7 pages/s · ETA 5 s", got[0])
	require.Equal(t, "shop: 300/300 pages · 298 items · 50.2 pages/s", got[9])
	require.NotContains(t, out.String(), "\r")
}

func TestProgressSpeaksUpEvenIfLittleHappens(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out}, clock.options())
	for i := range 25 {
		p.Update(Status{Done: int64(i / 10), Found: 1000})
		clock.move(time.Second)
	}
	require.Equal(t, []string{
		"1/1,000 pages · 0 items · 6.0 pages/min · ETA 2h 46m",
		"2/1,000 pages · 0 items · 6.0 pages/min · ETA 2h 46m",
	}, lines(&out))
	p.Close()
	require.Len(t, lines(&out), 2, "the end says nothing twice")
}

func TestProgressOfTheNextRunStartsAnew(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out}, clock.options())
	p.Update(Status{Done: 0, Found: 1})
	clock.move(5 * time.Second)
	p.Update(Status{Done: 100, Found: 100})
	p.Update(Status{Done: 0, Found: 1})
	clock.move(time.Second)
	p.Update(Status{Done: 100, Found: 100})
	require.Equal(t, []string{"100/100 pages · 0 items · 20.0 pages/s", "100/100 pages · 0 items · 100 pages/s"}, lines(&out))
}

func TestProgressThatBeginsAnewInTheMiddle(t *testing.T) {
	var out bytes.Buffer
	clock := newClock()
	p := NewProgress(Terminal{Writer: &out}, clock.options())
	clock.move(10 * time.Second)
	p.Update(Status{Done: 100, Found: 200})
	p.Update(Status{Done: 80, Found: 200})
	clock.move(10 * time.Second)
	p.Update(Status{Done: 100, Found: 200})
	shown := lines(&out)
	require.Equal(t, "100/200 pages · 0 items · 2.0 pages/s · ETA 50 s", shown[len(shown)-1], "20 pages in 10 seconds")
}
