package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplyID(t *testing.T) {
	for text, want := range map[string]int64{
		`{"id":12,"result":{}}`:                 12,
		`{"id":3,"error":{},"sessionId":"A"}`:   3,
		`{"method":"Page.x","params":{"id":4}}`: -1,
		`{"id":x,"result":{}}`:                  -1,
		`{"id":5`:                               -1,
	} {
		id, ok := replyID([]byte(text))
		require.Equal(t, want >= 0, ok, text)
		if ok {
			require.Equal(t, want, id, text)
		}
	}
}

// newTestPipe is a pipe whose other end answers each command by answer, which may say nothing.
func newTestPipe(t *testing.T, answer func(command string) string) (*pipe, *io.PipeWriter) {
	fromChrome, out := io.Pipe()
	p := newPipe(writer(func(b []byte) {
		if text := answer(string(b[:len(b)-1])); text != "" {
			go func() { _, _ = out.Write(append([]byte(text), 0)) }()
		}
	}))
	done := make(chan struct{})
	go func() { defer close(done); p.run(fromChrome) }()
	t.Cleanup(func() { out.Close(); <-done })
	return p, out
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(bytes.Clone(b))
	return len(b), nil
}

func TestPipe(t *testing.T) {
	var sent []string
	answers := []string{
		`{"method":"Some.event","params":{}}` + "\x00" + `{"id":1,"result":{"value":7}}`,
		`{"id":2,"error":{"code":-32000,"message":"moved"},"sessionId":"S"}`,
		"",
	}
	p, out := newTestPipe(t, func(command string) string {
		sent = append(sent, command)
		return answers[len(sent)-1]
	})
	frame, err := p.call(t.Context(), "", "A.b", `{}`)
	require.NoError(t, err)
	got, err := result[struct{ Value int }](frame)
	require.NoError(t, err)
	require.Equal(t, 7, got.Value)

	frame, err = p.call(t.Context(), "S", "A.c", `{"x":1}`)
	require.NoError(t, err)
	_, err = result[struct{}](frame)
	require.EqualError(t, err, "moved")
	require.True(t, isRefusal(err))
	require.Equal(t, []string{`{"id":1,"method":"A.b","params":{}}`, `{"id":2,"method":"A.c","params":{"x":1},"sessionId":"S"}`}, sent)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no more time"))
	_, err = p.call(ctx, "", "A.d", `{}`)
	require.EqualError(t, err, "A.d: no more time")
	require.Empty(t, p.waiting)

	answers = append(answers, "")
	out.CloseWithError(errors.New("it died"))
	_, err = p.call(t.Context(), "", "A.e", `{}`)
	require.ErrorContains(t, err, "it died")
}
