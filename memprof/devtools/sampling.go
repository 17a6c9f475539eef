package devtools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/google/pprof/profile"
)

// DefaultInterval is how many bytes are allocated, on average, from one sample to the next. Code
// that allocates much runs about a third slower with it; other code does not.
const DefaultInterval = 32 << 10

// StartSampling begins to note which functions allocate, in the isolate of a session: one sample
// for each interval bytes on average; 0 is DefaultInterval. What has been collected by then is
// left out of profiles, so that what leaks stands out.
func StartSampling(ctx context.Context, session cdp.Session, interval int64) error {
	if interval == 0 {
		interval = DefaultInterval
	}
	params := heapprofiler.StartSamplingParams{SamplingInterval: float64(interval)}
	if _, err := cdp.Call(ctx, session, heapprofiler.StartSampling, params); err != nil {
		return fmt.Errorf("start sampling the heap: %w", err)
	}
	return nil
}

// SamplingProfile returns what is alive of what was allocated since StartSampling, by the
// functions that allocated it. Sampling goes on.
func SamplingProfile(ctx context.Context, session cdp.Session) (*profile.Profile, error) {
	res, err := cdp.Call(ctx, session, heapprofiler.GetSamplingProfile, cdp.Empty{})
	if err != nil {
		return nil, fmt.Errorf("read the samples of the heap: %w", err)
	}
	return toProfile(res.Profile)
}

// StopSampling ends sampling and returns what SamplingProfile does.
func StopSampling(ctx context.Context, session cdp.Session) (*profile.Profile, error) {
	res, err := cdp.Call(ctx, session, heapprofiler.StopSampling, cdp.Empty{})
	if err != nil {
		return nil, fmt.Errorf("stop sampling the heap: %w", err)
	}
	return toProfile(res.Profile)
}

// WriteProfile writes a profile for `go tool pprof`, compressed by gzip.
func WriteProfile(w io.Writer, p *profile.Profile) error {
	if err := p.Write(w); err != nil {
		return fmt.Errorf("write a heap profile: %w", err)
	}
	return nil
}

// callSite is a place in a script.
type callSite struct {
	function, script, url string
	line, column          int64 // from 0
}

// profileBuilder makes a pprof profile of V8's tree of calls.
type profileBuilder struct {
	p         *profile.Profile
	locations map[callSite]*profile.Location
	samples   map[int64]int64 // by node
}

// maxCalls is how deep calls may lie in each other; V8 notes 128.
const maxCalls = 10_000

// toProfile makes a pprof profile. Its values are the samples that are alive, and the bytes that
// V8 takes them to stand for. How many objects those are, V8 does not tell.
func toProfile(from *heapprofiler.SamplingHeapProfile) (*profile.Profile, error) {
	if from == nil || from.Head == nil {
		return nil, errors.New("convert a heap profile: Chrome sent none")
	}
	b := &profileBuilder{
		p: &profile.Profile{
			SampleType:        []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "inuse_space", Unit: "bytes"}},
			DefaultSampleType: "inuse_space", TimeNanos: time.Now().UnixNano(),
		},
		locations: make(map[callSite]*profile.Location), samples: make(map[int64]int64),
	}
	for _, s := range from.Samples {
		if s != nil {
			b.samples[s.NodeID]++
		}
	}
	if err := b.walk(from.Head, nil); err != nil {
		return nil, fmt.Errorf("convert a heap profile: %w", err)
	}
	if err := b.p.CheckValid(); err != nil {
		return nil, fmt.Errorf("convert a heap profile: %w", err)
	}
	return b.p, nil
}

// walk adds a node and all below it. callers are those of the node, the outermost first.
func (b *profileBuilder) walk(node *heapprofiler.SamplingHeapProfileNode, callers []*profile.Location) error {
	if len(callers) > maxCalls {
		return fmt.Errorf("calls lie more than %d deep in each other", maxCalls)
	}
	stack := callers
	if site, ok := siteOf(node.CallFrame); ok {
		stack = append(callers[:len(callers):len(callers)], b.location(site))
	}
	b.add(node, stack)
	for _, child := range node.Children {
		if child == nil {
			continue
		}
		if err := b.walk(child, stack); err != nil {
			return err
		}
	}
	return nil
}

// siteOf is the place of a call; false for the root of the tree, which is none.
func siteOf(frame *cdpruntime.CallFrame) (callSite, bool) {
	if frame == nil || frame.FunctionName == "(root)" {
		return callSite{}, false
	}
	site := callSite{frame.FunctionName, string(frame.ScriptID), frame.URL, frame.LineNumber, frame.ColumnNumber}
	if site.function == "" {
		site.function = "(anonymous)"
	}
	return site, true
}

// add adds what a node has allocated itself.
func (b *profileBuilder) add(node *heapprofiler.SamplingHeapProfileNode, stack []*profile.Location) {
	if node.SelfSize <= 0 {
		return
	}
	inner := slices.Clone(stack) // pprof has the innermost first
	slices.Reverse(inner)
	b.p.Sample = append(b.p.Sample, &profile.Sample{Location: inner, Value: []int64{b.samples[node.ID], int64(node.SelfSize)}})
}

// location returns the location of a call, and its function, each made once.
func (b *profileBuilder) location(site callSite) *profile.Location {
	if l := b.locations[site]; l != nil {
		return l
	}
	f := &profile.Function{
		ID: uint64(len(b.p.Function) + 1), Name: site.function, SystemName: site.function,
		Filename: site.url, StartLine: site.line + 1,
	}
	b.p.Function = append(b.p.Function, f)
	l := &profile.Location{
		ID: uint64(len(b.p.Location) + 1), Line: []profile.Line{{Function: f, Line: site.line + 1, Column: site.column + 1}},
	}
	b.locations[site] = l
	b.p.Location = append(b.p.Location, l)
	return l
}
