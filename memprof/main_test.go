package memprof

import (
	"context"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a source that returns what a function says.
type fake struct {
	name string
	read func(ctx context.Context, q Request) []Reading
}

func (f fake) Name() string { return f.name }

func (f fake) Read(ctx context.Context, q Request) []Reading { return f.read(ctx, q) }

// steady is a source that always returns the same readings.
func steady(readings ...Reading) fake {
	return fake{"steady", func(context.Context, Request) []Reading { return append([]Reading(nil), readings...) }}
}

func reading(metric, kind string, value float64) Reading {
	return Reading{Metric: metric, Subject: Subject{Browser: "1", Kind: kind}, Value: value}
}

func gap(metric, kind string, err error) Reading {
	return Reading{Metric: metric, Subject: Subject{Browser: "1", Kind: kind}, Err: err}
}

var (
	chromeAnon   = Series{"process.anon", Chrome}
	rendererAnon = Series{"process.anon", "renderer"}
	heapUsed     = Series{Metric: "heap.used"}
)
