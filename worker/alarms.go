package worker

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/ebbworker/ebb/memprof"
)

// AlarmOptions say who is told of memory that grows from run to run, beside the log.
type AlarmOptions struct {
	// Webhook is an http or https URL that gets each alarm as JSON, by POST. Default: "", none does.
	Webhook string
	// On is told of each alarm, also of one that was told before; it should return soon.
	// Default: nobody is.
	On func(memprof.Alarm)
	// Grace is how long the webhook may still be called after the worker has ended. Default: 5s.
	Grace time.Duration
}

// alarms tells of growth in a goroutine of its own, so that no run waits for a database or a
// webhook.
type alarms struct {
	worker *Worker
	hook   *webhook // nil for none
	names  []string // of the sites
	found  chan memprof.Alarm
}

func newAlarms(w *Worker) *alarms {
	// Each metric raises one alarm: the room is enough for all that there can ever be.
	a := &alarms{worker: w, found: make(chan memprof.Alarm, memprof.MaxAlarms)}
	for _, s := range w.options.Sites {
		a.names = append(a.names, s.Name)
	}
	slices.Sort(a.names)
	if address := w.options.Alarms.Webhook; address != "" {
		a.hook = newWebhook(address)
	}
	return a
}

// judge takes a run's memory.
func (a *alarms) judge(memory memprof.Summary) {
	watch := a.worker.options.Memory.watch
	if watch == nil {
		return
	}
	for _, alarm := range watch.Add(memory) {
		select {
		case a.found <- alarm:
		default: // nobody has told any for longer than there can be alarms
		}
	}
}

// run tells alarms until ctx ends; then those that were found before, for Grace.
func (a *alarms) run(ctx context.Context) {
	grace := a.worker.options.Alarms.Grace
	if grace <= 0 {
		grace = 5 * time.Second
	}
	telling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(grace, stop) })()
	for {
		select {
		case alarm := <-a.found:
			a.tell(telling, alarm)
		case <-ctx.Done():
			for len(a.found) > 0 {
				a.tell(telling, <-a.found)
			}
			return
		}
	}
}

// tell tells one alarm: to the recording, to whoever counts, and, unless it was told before, to the
// log and the webhook.
func (a *alarms) tell(ctx context.Context, alarm memprof.Alarm) {
	log := a.worker.options.Log
	if limit, err := a.worker.options.Memory.Limit(); err == nil {
		alarm.ToLimit(float64(limit.Bytes), float64(limit.Used), limit.Is)
	} else {
		log.Debug().Err(err).Msg("the memory limit is not known")
	}
	known, err := a.worker.options.Store.SeeAlarm(ctx, alarm.Fingerprint.ID, a.names)
	if err != nil {
		log.Warn().Err(err).Msg("an alarm may be told again after a restart")
	}
	if known.Seen > 0 {
		alarm.Fingerprint.State, alarm.Fingerprint.Seen, alarm.Fingerprint.First = "known", known.Seen, known.First
	}
	_ = a.worker.options.Memory.Recorder.Note(memprof.AlarmNote, alarm)
	if a.worker.options.Alarms.On != nil {
		a.worker.options.Alarms.On(alarm)
	}
	level := zerolog.WarnLevel
	if known.Seen > 0 {
		level = zerolog.DebugLevel // it was told before
	}
	logAlarm(log.WithLevel(level), alarm).Strs("sites", a.names).Msg(alarm.Says)
	if a.hook == nil || known.Seen > 0 {
		return
	}
	if err := a.hook.call(ctx, raised{Event: "leak", Sites: a.names, Alarm: alarm}); err != nil {
		log.Error().Str("fingerprint", alarm.Fingerprint.ID).Err(err).Msg("an alarm did not reach alarms.webhook")
	}
}

// logAlarm gives the event of an alarm its fields, which are always the same.
func logAlarm(e *zerolog.Event, a memprof.Alarm) *zerolog.Event {
	e = e.Str("metric", a.Metric.String()).Str("unit", string(a.Unit)).Str("fingerprint", a.Fingerprint.ID).Int("runs", a.Cycles).
		Float64("per_run", a.Rate.Value).Float64("lo", a.Rate.Lo).Float64("hi", a.Rate.Hi).
		Float64("per_day", a.PerDay.Value).Float64("per_day_lo", a.PerDay.Lo).Float64("per_day_hi", a.PerDay.Hi)
	var l memprof.AlarmLimit
	if a.Limit != nil {
		l = *a.Limit
	}
	return e.Float64("limit_bytes", l.Bytes).Float64("used_bytes", l.Used).
		Interface("hours_to_limit", l.Hours).Interface("hours_lo", l.HoursLo).Interface("hours_hi", l.HoursHi)
}

// alarming tells alarms while something is done, and those that come of it.
func (w *Worker) alarming(ctx context.Context, do func() error) error {
	telling, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.alarms.run(telling)
	}()
	defer func() {
		stop()
		<-ended
	}()
	return do()
}
