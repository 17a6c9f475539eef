package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/tracing"
)

// allocatorsTimeout bounds one dump.
const allocatorsTimeout = 30 * time.Second

// memoryInfra is the category of the dumps.
const memoryInfra = "disabled-by-default-memory-infra"

// PrivateFootprint is the name under which Allocators tells all that a process holds for itself:
// what its allocators hold is part of it.
const PrivateFootprint = "private_footprint"

// Allocators asks a Chrome, on the browser's session, for a memory-infra dump, and returns the
// bytes of each root allocator (v8, blink_gc, malloc, partition_alloc, canvas, gpu, skia,
// site_storage, ...) by the type of process, which is named as /proc shows it ("renderer",
// "browser", "gpu-process"; other services are "utility"), with PrivateFootprint beside them.
// The sizes of roots are effective: what one allocator holds for another counts once. Beside them
// stand those of their parts that say what kind of memory it is, by their whole names, such as
// "site_storage/blob_storage" and "partition_alloc/partitions/array_buffer". The memory of wasm
// has no allocator: only the footprint shows it.
//
// A dump takes about a quarter of a second and perturbs: the first leaves a process of its own in
// Chrome (some 10 MB), and each one 0.3 MB in Chrome's first process. It must not be taken within
// a series that is judged. No other tracing may be under way.
func Allocators(ctx context.Context, session cdp.Session) (map[string]map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, allocatorsTimeout)
	defer cancel()
	events, err := dump(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("dump the allocators: %w", err)
	}
	byType, err := parseDump(events)
	if err != nil {
		return nil, fmt.Errorf("dump the allocators: %w", err)
	}
	return byType, nil
}

// dump traces as long as one dump takes, and returns the events of the trace.
func dump(ctx context.Context, session cdp.Session) (events []json.RawMessage, err error) {
	data, stop := session.Subscribe(tracing.DataCollected.Method)
	defer stop()
	complete, end := session.Subscribe(tracing.TracingComplete.Method)
	defer end()
	config := &tracing.TraceConfig{
		IncludedCategories: []string{memoryInfra}, ExcludedCategories: []string{"*"},
		// Without this, Chrome dumps by itself as soon as tracing starts, and again each second.
		MemoryDumpConfig: tracing.MemoryDumpConfig{"triggers": []any{}},
	}
	if _, err := cdp.Call(ctx, session, tracing.Start, tracing.StartParams{TraceConfig: config, TransferMode: tracing.StartTransferModeReportEvents}); err != nil {
		if ctx.Err() != nil { // Chrome may have begun all the same
			err = errors.Join(err, endTracing(ctx, session))
		}
		return nil, err
	}
	result, dumpErr := cdp.Call(ctx, session, tracing.RequestMemoryDump, tracing.RequestMemoryDumpParams{LevelOfDetail: tracing.MemoryDumpLevelOfDetailLight})
	if dumpErr == nil && !result.Success {
		dumpErr = errors.New("a process did not answer")
	}
	if err := endTracing(ctx, session); err != nil || dumpErr != nil {
		return nil, errors.Join(dumpErr, err)
	}
	for {
		select {
		case raw, ok := <-data:
			if !ok {
				return nil, errors.New("the trace broke off")
			}
			if events, err = appendEvents(events, raw); err != nil {
				return nil, err
			}
		case _, ok := <-complete:
			if !ok {
				return nil, errors.New("the trace broke off")
			}
			return drain(ctx, data, events)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// endTracing ends it whatever became of the dump, even if the time is up.
func endTracing(ctx context.Context, session cdp.Session) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := cdp.Call(ctx, session, tracing.End, cdp.Empty{})
	return err
}

// drain takes the data that arrived before the end of the trace and still wait to be taken.
func drain(ctx context.Context, data <-chan jsonv2.Value, events []json.RawMessage) ([]json.RawMessage, error) {
	pause := time.NewTimer(drainPause)
	defer pause.Stop()
	for {
		select {
		case raw, ok := <-data:
			if !ok {
				return events, nil
			}
			var err error
			if events, err = appendEvents(events, raw); err != nil {
				return nil, err
			}
			pause.Reset(drainPause)
		case <-pause.C:
			return events, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// drainPause is how long the data of a trace may pause after its end: they wait in this program.
const drainPause = 50 * time.Millisecond

func appendEvents(events []json.RawMessage, raw jsonv2.Value) ([]json.RawMessage, error) {
	var chunk struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(raw, &chunk); err != nil {
		return nil, fmt.Errorf("decode the trace: %w", err)
	}
	return append(events, chunk.Value...), nil
}

// traceEvent is an event of a trace: the name of a process ("M"), or the dump of one ("v").
type traceEvent struct {
	Phase string          `json:"ph"`
	Name  string          `json:"name"`
	PID   int             `json:"pid"`
	Args  json.RawMessage `json:"args"`
}

// processDump is the dump of one process. Sizes are hexadecimal, in bytes.
type processDump struct {
	Dumps struct {
		Totals struct {
			Private string `json:"private_footprint_bytes"`
		} `json:"process_totals"`
		Allocators map[string]struct {
			Attrs map[string]struct {
				Value any `json:"value"`
			} `json:"attrs"`
		} `json:"allocators"`
	} `json:"dumps"`
}

// parseDump adds up the dumps of a trace by type of process.
func parseDump(events []json.RawMessage) (map[string]map[string]float64, error) {
	names := make(map[int]string)
	dumps := make(map[int][]processDump)
	for _, raw := range events {
		var e traceEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("decode the trace: %w", err)
		}
		switch {
		case e.Phase == "M" && e.Name == "process_name":
			var args struct {
				Name string `json:"name"`
			}
			if err := json.Unmarshal(e.Args, &args); err != nil {
				return nil, fmt.Errorf("decode the name of a process: %w", err)
			}
			names[e.PID] = args.Name
		case e.Phase == "v":
			var d processDump
			if err := json.Unmarshal(e.Args, &d); err != nil {
				return nil, fmt.Errorf("decode the dump of a process: %w", err)
			}
			dumps[e.PID] = append(dumps[e.PID], d)
		}
	}
	if len(dumps) == 0 {
		return nil, errors.New("the trace holds no dump")
	}
	byType := make(map[string]map[string]float64)
	for pid, list := range dumps {
		kind := processType(names[pid])
		if byType[kind] == nil {
			byType[kind] = make(map[string]float64)
		}
		for _, d := range list {
			if err := d.addTo(byType[kind]); err != nil {
				return nil, err
			}
		}
	}
	return byType, nil
}

// processType returns the type of a process as /proc shows it, from its name in a trace, such as
// "Renderer", "GPU Process" and "Service: network.mojom.NetworkService".
func processType(name string) string {
	switch name {
	case "":
		return "other"
	case "GPU Process":
		return "gpu-process"
	}
	service, ok := strings.CutPrefix(name, "Service: ")
	if ok {
		service, _, _ = strings.Cut(service, ".")
		return service
	}
	return strings.ReplaceAll(strings.ToLower(name), " ", "-")
}

// parts are allocators below a root that say what kind of memory it is. Their size counts, not
// the effective one: that is told below the root that holds them for another.
var parts = map[string]bool{
	"v8/main": true, "v8/workers": true, "blink_gc/main": true, "blink_gc/workers": true,
	"partition_alloc/partitions/array_buffer": true, "partition_alloc/partitions/buffer": true,
	"canvas/ResourceProvider": true, "site_storage/blob_storage": true, "site_storage/index_db": true,
}

// shared is the root of what belongs to several processes: each counts its share by itself.
const shared = "global"

// addTo adds the dump's allocators to those of its type of process.
func (d processDump) addTo(sums map[string]float64) error {
	add := func(name, hex string) error {
		bytes, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			return fmt.Errorf("decode the size of %s: %w", name, err)
		}
		sums[name] += float64(bytes)
		return nil
	}
	for name, a := range d.Dumps.Allocators {
		attribute := "effective_size"
		if parts[name] {
			attribute = "size"
		} else if strings.Contains(name, "/") || name == shared {
			continue
		}
		hex, ok := a.Attrs[attribute].Value.(string)
		if !ok {
			continue // it holds nothing
		}
		if err := add(name, hex); err != nil {
			return err
		}
	}
	if d.Dumps.Totals.Private == "" {
		return nil
	}
	return add(PrivateFootprint, d.Dumps.Totals.Private)
}
