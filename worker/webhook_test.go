package worker

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/memprof"
)

// hookServer answers each call as answer says, and counts them.
func hookServer(t *testing.T, answer func(call int64, w http.ResponseWriter, r *http.Request)) (url string, calls *atomic.Int64) {
	calls = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(calls.Add(1), w, r) }))
	t.Cleanup(server.Close)
	return server.URL + "/services/T0KEN-IN-PATH?key=T0KEN-IN-QUERY", calls
}

func quickHook(address string) *webhook {
	h := newWebhook(address)
	h.pause = time.Millisecond
	return h
}

var someAlarm = raised{Event: "leak", Sites: []string{"shop"}, Alarm: memprof.Alarm{
	Metric: memprof.Series{Metric: "process.anon", Group: memprof.Chrome}, Unit: memprof.Bytes, Fingerprint: memprof.Fingerprint{ID: "abc"},
	Rate: memprof.Estimate{Value: 2e6, Lo: 1e6, Hi: 3e6, Known: true}, Says: "Chrome's memory grows",
}}

func TestAWebhookGetsTheAlarmAsJSON(t *testing.T) {
	got := make(chan map[string]any, 1)
	url, _ := hookServer(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/json" && json.NewDecoder(r.Body).Decode(&body) == nil {
			got <- body
		}
		w.WriteHeader(http.StatusNoContent)
	})
	require.NoError(t, quickHook(url).call(t.Context(), someAlarm))
	body := <-got
	require.Equal(t, "leak", body["event"])
	require.Equal(t, []any{"shop"}, body["sites"])
	require.Equal(t, "process.anon/chrome", body["metric"])
	require.Equal(t, map[string]any{"value": 2e6, "lo": 1e6, "hi": 3e6, "known": true}, body["rate"])
}

func TestAWebhookIsCalledAgainWhereThatHelps(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(call int64, w http.ResponseWriter, r *http.Request)
		calls  int64
		fault  string
	}{
		"it recovers": {func(call int64, w http.ResponseWriter, _ *http.Request) {
			if call < 3 {
				w.WriteHeader(http.StatusBadGateway)
			}
		}, 3, ""},
		"it stays down": {func(_ int64, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, webhookTries, "it answered 500"},
		"it hangs up": {func(_ int64, w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}, webhookTries, "EOF"},
		"it refuses": {func(_ int64, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, 1, "it answered 403"},
		"it redirects": {func(_ int64, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		}, 1, "redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			url, calls := hookServer(t, c.answer)
			err := quickHook(url).call(t.Context(), someAlarm)
			require.Equal(t, c.calls, calls.Load())
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
			require.NotContains(t, err.Error(), "T0KEN")
		})
	}
	err := quickHook(refusing(t)+"/T0KEN").call(t.Context(), someAlarm)
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "T0KEN")
	err = quickHook("http://T0KEN\x7f/").call(t.Context(), someAlarm)
	require.EqualError(t, err, "tell the webhook (tried 1 of 4 times): alarms.webhook is no URL")
}

// A webhook that does not answer holds nobody up when the time is over.
func TestAWebhookEndsWithItsContext(t *testing.T) {
	called := make(chan struct{}, 1)
	url, calls := hookServer(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees the client leave
		called <- struct{}{}
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- quickHook(url).call(ctx, someAlarm) }()
	<-called
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.EqualValues(t, 1, calls.Load())
}

// refusing is the address of a port where nobody listens.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return "http://" + l.Addr().String()
}
