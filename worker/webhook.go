package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ebbworker/ebb/memprof"
)

// How a webhook is called.
const (
	webhookTries   = 4
	webhookTimeout = 10 * time.Second // of one try
	webhookPause   = 2 * time.Second  // before the second try; doubled before each further one
)

// webhook tells alarms to a URL, which may hold a token: no error names it.
type webhook struct {
	url    string
	pause  time.Duration
	client *http.Client
}

func newWebhook(address string) *webhook {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // alarms are rare
	return &webhook{url: address, pause: webhookPause, client: &http.Client{
		Transport: transport, Timeout: webhookTimeout,
		// A token goes nowhere but where it was meant to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call tells an alarm, several times if it must, until ctx ends.
func (h *webhook) call(ctx context.Context, alarm raised) error {
	body, err := json.Marshal(alarm)
	if err != nil {
		return fmt.Errorf("tell the webhook: encode the alarm: %w", err)
	}
	pause := h.pause
	for try := 1; ; try++ {
		again, err := h.post(ctx, body)
		if err == nil {
			return nil
		}
		if !again || try == webhookTries || ctx.Err() != nil {
			return fmt.Errorf("tell the webhook (tried %d of %d times): %w", try, webhookTries, err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		pause *= 2
	}
}

// post sends the body once, and says whether another try may help.
func (h *webhook) post(ctx context.Context, body []byte) (again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("alarms.webhook is no URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", Product)
	answer, err := h.client.Do(request)
	if err != nil {
		var named *url.Error
		if errors.As(err, &named) {
			err = named.Err // which does not name the URL
		}
		return true, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	switch code := answer.StatusCode; {
	case code/100 == 2:
		return false, nil
	case code/100 == 3:
		return false, fmt.Errorf("it answered %d: redirects are not followed", code)
	default:
		return code/100 == 5 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout, fmt.Errorf("it answered %d", code)
	}
}

// raised is an alarm as a webhook gets it.
type raised struct {
	Event string   `json:"event"` // "leak"
	Sites []string `json:"sites"`
	memprof.Alarm
}
