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
	d, err := a.diagnoseCase(ctx, stop, c, o.cycles, folder.path, recording)
	if err != nil {
		return err
	}
	return json.NewEncoder(a.stdout).Encode(resultOf(c, d))
}

// diagnoseCase serves a page and diagnoses it.
func (a *app) diagnoseCase(ctx context.Context, stop *stopper, c leaky.Case, cycles int, folder, recording string) (d memprof.Diagnosis, err error) {
	site, closeServer, err := serveCase(c)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, closeServer()) }()
	wanted := rigOptions{
		sites: []*sites.Site{site}, stop: stop, retries: promptRetries(), database: filepath.Join(folder, "ebb.db"),
		recording: recording, diagnosis: &diagnosisRig{cycles: cycles, flags: c.Flags},
	}
	err = a.withRig(ctx, wanted, func(ctx context.Context, opened *rig) error {
		fault := &fault{kind: c.Fault, keeps: c.Leaks, pool: opened.pool}
		defer fault.end()
		o := worker.DiagnoseOptions{Cycles: cycles, Idle: max(c.Idle, selftestIdle), Dir: filepath.Join(folder, "heap"), OnCycle: opened.board.cycle}
		if c.Fault != "" {
			o.Fault = fault.happen
		}
		return opened.worker.Diagnose(ctx, o)
	})
	if err != nil {
		return d, err
	}
	return diagnoseFile(recording)
}

// serveCase serves the page of a case on loopback, under all of its names.
func serveCase(c leaky.Case) (site *sites.Site, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("serve a page: %w", err)
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
	name := c.Name + ".yaml"
	site, err = sites.Parse(name, server.SiteFile(c.Name, "http://"+listener.Addr().String()))
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return site, stop, nil
}

// selftestIdle is how long the browser idles in each cycle of a page that does nothing meanwhile.
const selftestIdle = 50 * time.Millisecond
