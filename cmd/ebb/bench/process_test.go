package bench

import (
	"context"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell is an arm's process that a script plays.
func shell(script string) *exec.Cmd { return exec.Command("/bin/sh", "-c", script) }

func TestProcess(t *testing.T) {
	p, err := start(t.Context(), Arm{Name: "bare"}, shell(`echo '{}'
		read line; echo '{"round": {"pages": 3, "took_ns": 1000000000}}'
		read line; echo '{"error": "a page failed"}'
		read line; exit 0`), 3)
	require.NoError(t, err)
	m, err := p.round(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3., m.pagesPerSecond())
	require.Positive(t, m.PeakAnon)
	require.Len(t, m.CPU, len(ProcessTypes))
	_, err = p.round(t.Context())
	require.EqualError(t, err, "bare: a page failed")
	require.NoError(t, p.stop())
	require.NoError(t, p.stop(), "once more does nothing")
}

func TestProcessThatDoesNotStart(t *testing.T) {
	_, err := start(t.Context(), Arm{Name: "bare"}, shell("echo 'no usable Chrome' >&2; exit 4"), 1)
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, ExitError{4, "no usable Chrome"}, *exit)
	require.EqualError(t, err, "start bare: bare: exit code 4: no usable Chrome")
}

func TestProcessThatEnds(t *testing.T) {
	o := Options{Pairs: 1, Pages: 1, Say: func(string) {}, Command: func(Arm, int) *exec.Cmd {
		return shell("echo '{}'; read line; echo 'it broke' >&2; exit 1")
	}}
	_, err := o.compare(t.Context(), Limit, 1)
	require.EqualError(t, err, "bare: exit code 1: it broke")
}

func TestProcessThatIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := start(ctx, Arm{Name: "bare"}, shell("echo '{}'; read line; read line"), 1) // it never answers
	require.NoError(t, err)
	stopped := errors.New("stopped")
	time.AfterFunc(10*time.Millisecond, func() { cancel(stopped) })
	_, err = p.round(ctx)
	require.ErrorIs(t, err, stopped)
	_ = p.stop() // a shell that reads nothing more has failed
}
