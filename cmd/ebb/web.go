package main

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/memprof"
	"github.com/ebbworker/ebb/memprof/prom"
	"github.com/ebbworker/ebb/worker/queue"
	"github.com/ebbworker/ebb/worker/web"
)

// shown is what shows a worker to others: nothing unless web.listen is set. Its methods may be called
// then too.
type shown struct {
	activity *web.Activity
	memory   *prom.Collector
}

// show serves health, metrics and page as the configuration says, until end is called.
func (r *rig) show(ctx context.Context, o rigOptions) (end func(), err error) {
	config := r.settings.Web
	if !o.web || config.Listen == "" {
		return func() {}, nil
	}
	limit := func() (float64, float64, error) {
		l, err := r.memory.Limit()
		return float64(l.Bytes), float64(l.Used), err
	}
	r.shown.memory = prom.NewCollector(prom.Options{Latest: r.memory.Recorder.Latest, Limit: limit})
	r.shown.activity, err = web.NewActivity(web.ActivityOptions{
		Sites: o.sites, Version: versionName(), Latest: r.memory.Recorder.Latest, Limit: limit, Collectors: []prometheus.Collector{r.shown.memory, poolTabs(r.pool)},
	})
	if err != nil {
		return nil, err
	}
	server, err := web.Listen(web.Options{
		Listen: config.Listen, Token: config.Token, Activity: r.shown.activity, Profiles: config.Pprof,
		OnFault: func(text string) { r.log.Debug().Str("fault", text).Msg("serving web.listen") },
	})
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	r.log.Info().Str("address", "http://"+server.Address()+"/").Bool("token", config.Token != "").Bool("pprof", config.Pprof).Msg("health, metrics and page are served")
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // while the last runs finish, too
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Run(serving); err != nil {
			r.log.Error().Err(err).Msg("health, metrics and page are served no more; the work goes on")
		}
	})
	return func() {
		stop()
		served.Wait()
	}, nil
}

// poolTabs tells how many tabs may be lent now.
func poolTabs(pool *browser.Pool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ebb_pool_tabs", Help: "How many tabs runs may have open at once now."},
		func() float64 { return float64(pool.TabLimit()) })
}

// alarm tells an alarm.
func (s *shown) alarm(a memprof.Alarm) {
	if s.activity != nil {
		s.activity.Alarm(a)
		s.memory.Raise(a)
	}
}

// ended tells the end of an attempt.
func (s *shown) ended(e queue.Ended) {
	if s.activity != nil {
		s.activity.Ended(e)
	}
}

// launched tells of a Chrome that has started.
func (s *shown) launched(version string) {
	if s.activity != nil {
		s.activity.Launched(version)
	}
}

// recycled tells of a Chrome that was replaced, or closed for having been idle.
func (s *shown) recycled(reason string) {
	if s.activity != nil {
		s.activity.Recycled(reason)
	}
}

// tidied tells of a tab whose garbage was collected, or that was replaced.
func (s *shown) tidied(d browser.Tidying) {
	if s.activity != nil {
		s.activity.Tidied(d.Replaced, string(d.Reason))
	}
}

// ready tells that the worker takes work, and draining that it takes none any more.
func (s *shown) ready() {
	if s.activity != nil {
		s.activity.Ready()
	}
}

func (s *shown) draining() {
	if s.activity != nil {
		s.activity.Drain()
	}
}
