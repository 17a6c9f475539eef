package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/sites"
	"github.com/ebbworker/ebb/sites/leaky"
	"github.com/ebbworker/ebb/worker"
)

// selftestOne diagnoses one page in this process and prints what came of it as JSON.
func (a *app) selftestOne(ctx context.Context, stop *stopper, o selftestOptions) (err error) {
	c, ok := leaky.Find(o.one)
	if !ok {
		return usageErrorf("there is no page %q", o.one)
	}
	folder, err := newTemporary("ebb-selftest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.remove()) }()
	recording := filepath.Join(folder.path, "run"+memprof.RecordingSuffix)
	if o.keep != "" {
		if err := os.MkdirAll(o.keep, 0o755); err != nil {
			return fmt.Errorf("make the folder for recordings: %w", err)
		}
		recording = recordingPath(o.keep, c.Name)
	}
	base, closeServer := o.base, func() error { return nil }
	if base == "" {
		if base, closeServer, err = servePages(); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, closeServer()) }()
	site, err := sites.Parse(c.Name+".yaml", leaky.New(leaky.Options{}).SiteFile(c.Name, base))
	if err != nil {
		return err
	}
	if o.cleanups != nil {
		e, err := a.experimentCase(ctx, stop, o, c, site, folder.path, recording)
		if err != nil {
			return err
		}
		return json.NewEncoder(a.stdout).Encode(cureResultOf(c, e))
	}
	d, err := a.diagnoseCase(ctx, stop, c, site, o.cycles, folder.path, recording)
	if err != nil {
		return err
	}
	return json.NewEncoder(a.stdout).Encode(resultOf(c, d))
}

// diagnoseCase diagnoses a page, with the fault that belongs to it.
func (a *app) diagnoseCase(ctx context.Context, stop *stopper, c leaky.Case, site *sites.Site, cycles int, folder, recording string) (memprof.Diagnosis, error) {
	wanted := rigOptions{
		sites: []*sites.Site{site}, stop: stop, retries: promptRetries(), database: filepath.Join(folder, "ebb.db"),
		recording: recording, diagnosis: &diagnosisRig{cycles: cycles, flags: c.Flags},
	}
	err := a.withRig(ctx, wanted, func(ctx context.Context, opened *rig) error {
		fault := &fault{kind: c.Fault, keeps: c.Leaks, pool: opened.pool}
		defer fault.end()
		o := worker.DiagnoseOptions{Cycles: cycles, Idle: max(c.Idle, selftestIdle), Dir: filepath.Join(folder, "heap"), OnCycle: opened.board.cycle}
		if c.Fault != "" {
			o.Fault = fault.happen
		}
		return opened.worker.Diagnose(ctx, o)
	})
	if err != nil {
		return memprof.Diagnosis{}, err
	}
	return diagnoseFile(recording)
}

// servePages serves all pages on loopback, under all of their names.
func servePages() (base string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve the pages: %w", err)
	}
	server := leaky.New(leaky.Options{})
	web := &http.Server{Handler: server.Handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- web.Serve(listener) }()
	stop = func() error {
		err := errors.Join(server.Close(), web.Close())
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return "http://" + listener.Addr().String(), stop, nil
}

// selftestIdle is how long the browser idles in each cycle of a page that does nothing meanwhile.
const selftestIdle = 50 * time.Millisecond
