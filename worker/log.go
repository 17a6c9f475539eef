package worker

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/rs/zerolog"
)

// Product names this program in User-Agent headers and in robots.txt.
const Product = "Ebb"

// slogHandler passes on to zerolog what the queue's library says through log/slog.
// What it says at its information level is for debugging here.
type slogHandler struct {
	log    zerolog.Logger
	prefix string
}

// Enabled says whether anybody wants to know.
func (h slogHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.log.GetLevel() <= levelOf(level)
}

func levelOf(level slog.Level) zerolog.Level {
	switch {
	case level >= slog.LevelError:
		return zerolog.ErrorLevel
	case level >= slog.LevelWarn:
		return zerolog.WarnLevel
	case level >= slog.LevelInfo:
		return zerolog.DebugLevel
	}
	return zerolog.TraceLevel
}

// Handle writes one record. A fault that is only the end of a context is how the
// library stops, and for debugging.
func (h slogHandler) Handle(_ context.Context, r slog.Record) error {
	level := levelOf(r.Level)
	if strings.Contains(r.Message, context.Canceled.Error()) {
		level = zerolog.DebugLevel
	}
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Resolve().Any().(error); ok && errors.Is(err, context.Canceled) {
			level = zerolog.DebugLevel
		}
		return true
	})
	event := h.log.WithLevel(level)
	r.Attrs(func(a slog.Attr) bool {
		event.Interface(h.prefix+a.Key, a.Value.Resolve().Any())
		return true
	})
	event.Msg(r.Message)
	return nil
}

// WithAttrs adds fields to every record.
func (h slogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := h.log.With()
	for _, a := range attrs {
		with = with.Interface(h.prefix+a.Key, a.Value.Resolve().Any())
	}
	return slogHandler{log: with.Logger(), prefix: h.prefix}
}

// WithGroup puts a name before the fields that follow.
func (h slogHandler) WithGroup(name string) slog.Handler {
	return slogHandler{log: h.log, prefix: h.prefix + name + "."}
}
