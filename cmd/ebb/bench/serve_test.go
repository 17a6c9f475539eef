package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type runner func(ctx context.Context) (Round, error)

func (r runner) Round(ctx context.Context) (Round, error) { return r(ctx) }

func TestServe(t *testing.T) {
	in, orders := io.Pipe()
	var out bytes.Buffer
	rounds := 0
	ended := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		ended <- Serve(t.Context(), in, NewReplies(&out), runner(func(ctx context.Context) (Round, error) {
			rounds++
			switch rounds {
			case 1:
				return Round{Pages: 2}, nil
			case 2:
				return Round{}, errors.New("no good")
			}
			close(began)
			<-ctx.Done() // the end of the input ends it
			return Round{}, ctx.Err()
		}), 1)
	}()
	for range 3 {
		_, err := orders.Write([]byte("round\n"))
		require.NoError(t, err)
	}
	<-began
	require.NoError(t, orders.Close())
	require.NoError(t, <-ended)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	require.NotContains(t, lines[0], "error")
	require.Contains(t, lines[1], `"pages":2`)
	require.Contains(t, lines[2], `"error":"no good"`)
}
