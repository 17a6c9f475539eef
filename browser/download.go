package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// download stores what address serves in path and returns its SHA-256 in hex. It ends
// when the body is larger than MaxArchive or no byte came for StallTimeout.
func (o InstallOptions) download(ctx context.Context, address, path string) (sum string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(o.StallTimeout, func() {
		cancel(fmt.Errorf("no byte came for %s", o.StallTimeout))
	})
	defer stalled.Stop()
	doing := func(err error) error {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("download %s: %w", address, err)
	}
	transport := o.transport()
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	resp, err := client.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) { // it would name the address again
			err = u.Err
		}
		return "", doing(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return "", doing(fmt.Errorf("%s: there is no such version for %s", resp.Status, testingPlatform()))
	case resp.StatusCode != http.StatusOK:
		return "", doing(errors.New(resp.Status))
	case resp.ContentLength > o.MaxArchive:
		return "", doing(fmt.Errorf("%w: it has %d MiB, the limit is %d MiB", errArchive, resp.ContentLength>>20, o.MaxArchive>>20))
	}
	fmt.Fprintf(o.Output, "downloading %s\n", address)
	body := &progressReader{from: resp.Body, total: resp.ContentLength, out: o.Output, alive: func() { stalled.Reset(o.StallTimeout) }}
	sum, err = o.save(body, path)
	if err != nil {
		return "", doing(err)
	}
	return sum, nil
}

// errArchive says that an archive is not what a Chrome's archive looks like.
var errArchive = errors.New("the archive is refused")

// save copies at most MaxArchive bytes into a new file and returns their SHA-256.
func (o InstallOptions) save(body io.Reader, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(body, o.MaxArchive+1))
	err = errors.Join(err, f.Close())
	if err == nil && n > o.MaxArchive {
		err = fmt.Errorf("%w: it has more than %d bytes", errArchive, o.MaxArchive)
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// transport is a client that asks through the environment's proxies and bounds every
// step before the body; download bounds the body.
func (o InstallOptions) transport() *http.Transport {
	first := func(names ...string) string {
		for _, n := range names {
			if v := o.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	proxy := (&httpproxy.Config{
		HTTPProxy:  first("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: first("HTTPS_PROXY", "https_proxy"),
		NoProxy:    first("NO_PROXY", "no_proxy"),
	}).ProxyFunc()
	return &http.Transport{
		Proxy:                 func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		ForceAttemptHTTP2:     true,
	}
}

// checkRedirect keeps a download that began with TLS on TLS.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) >= 10:
		return errors.New("redirected more than ten times")
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("redirected from https to %s", req.URL.Scheme)
	}
	return nil
}

// progressReader tells out of every tenth of the total, and alive of every byte.
type progressReader struct {
	from        io.Reader
	total, done int64
	tenths      int64
	out         io.Writer
	alive       func()
}

func (r *progressReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if n > 0 {
		r.alive()
	}
	r.done += int64(n)
	if r.total > 0 && r.done*10/r.total > r.tenths {
		r.tenths = r.done * 10 / r.total
		fmt.Fprintf(r.out, "%3d %% of %.1f MB\n", r.tenths*10, float64(r.total)/1e6)
	}
	return n, err
}

// checkSum tells whether a checksum that the user gave can be one.
func checkSum(sum string) error {
	if b, err := hex.DecodeString(sum); sum != "" && (err != nil || len(b) != sha256.Size) {
		return fmt.Errorf("the checksum %q is no SHA-256: that is 64 hexadecimal digits", sum)
	}
	return nil
}

// sumRecord is a file in sha256sum's format with the checksums of the archives that were
// installed. It notices an archive that has changed since.
type sumRecord struct{ path string }

// check compares an archive's checksum with the one that the user gave and with the one
// recorded for that name.
func (r sumRecord) check(name, sum, given string) error {
	if given != "" {
		if !strings.EqualFold(sum, given) {
			return fmt.Errorf("%w: its SHA-256 is %s, not %s as asked for", errArchive, sum, strings.ToLower(given))
		}
		return nil
	}
	recorded, err := r.recorded(name)
	if err == nil && recorded != "" && recorded != sum {
		err = fmt.Errorf("%w: its SHA-256 is %s, and was %s when it was first installed; if the change is meant, give the new one as --sha256", errArchive, sum, recorded)
	}
	return err
}

// recorded returns the last checksum that was recorded for a name; empty if there is none.
func (r sumRecord) recorded(name string) (string, error) {
	text, err := os.ReadFile(r.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read the recorded checksums: %w", err)
	}
	found := ""
	for line := range strings.Lines(string(text)) {
		if sum, n, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && n == name {
			found = sum
		}
	}
	return found, nil
}

// add records a checksum, unless it is recorded already.
func (r sumRecord) add(name, sum string) error {
	recorded, err := r.recorded(name)
	if err != nil || recorded == sum {
		return err
	}
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("record the checksum: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s  %s\n", sum, name)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("record the checksum: %w", err)
	}
	return nil
}
