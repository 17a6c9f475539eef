package worker

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestSlogGoesToZerolog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slogHandler{log: zerolog.New(&out).Level(zerolog.DebugLevel)})
	said := func() map[string]any {
		t.Helper()
		if out.Len() == 0 {
			return nil
		}
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
		out.Reset()
		return line
	}
	log.Info("started", "id", "x", "n", 3)
	require.Equal(t, map[string]any{"level": "debug", "message": "started", "id": "x", "n": 3.0}, said(), "the library's information is for debugging")
	log.Warn("slow")
	require.Equal(t, "warn", said()["level"])
	log.Error("broken")
	require.Equal(t, "error", said()["level"])
	log.Debug("detail")
	require.Nil(t, said(), "and its debugging for tracing")
	log.With("queue", "shop").WithGroup("job").With("id", 1).Info("done", "state", slog.StringValue("ok"))
	require.Equal(t, map[string]any{"level": "debug", "message": "done", "queue": "shop", "job.id": 1.0, "job.state": "ok"}, said())

	quiet := slog.New(slogHandler{log: zerolog.New(&out).Level(zerolog.WarnLevel)})
	quiet.Info("started")
	require.Nil(t, said())
	require.False(t, quiet.Enabled(t.Context(), slog.LevelInfo))
	require.True(t, quiet.Enabled(t.Context(), slog.LevelWarn))
}
