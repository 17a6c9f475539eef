package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/ebbworker/ebb/worker/crawl"
	"github.com/ebbworker/ebb/worker/store"
)

// networkFaults keep Chrome from a server.
func networkFaults() []Fault {
	return []Fault{
		{Name: "dns", Does: "Asks for a page of a name that does not exist.", Holds: "it fails with class dns, the others come", run: alongside("http://no-such-name.invalid/", crawl.ClassDNS)},
		{Name: "tls", Does: "Asks for a page of a server that speaks no TLS.", Holds: "it fails with class tls, the others come", run: alongside("https://SERVER/", crawl.ClassTLS)},
		{Name: "refused", Does: "Asks for a page where nobody listens.", Holds: "it fails with class connect, the others come", run: alongside("http://NOBODY/", crawl.ClassConnect)},
		{Name: "proxy", Does: "Sends everything through a proxy that is not there, then without.", Holds: "the run fails with class connect, the next comes to everything", run: badProxy},
	}
}

// alongside runs a site that starts with a bad URL too.
func alongside(url string, class crawl.Class) func(ctx context.Context, s *scene) error {
	return func(ctx context.Context, s *scene) error {
		site, p, err := s.site("waiting", "")
		if err != nil {
			return err
		}
		nobody, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		_ = nobody.Close()
		url := strings.NewReplacer("SERVER", strings.TrimPrefix(s.base, "http://"), "NOBODY", nobody.Addr().String()).Replace(url)
		site.Start = append(site.Start, url)
		site.Limits.Retries = new(int)
		if err := s.open(ctx, s.options.Launch); err != nil {
			return err
		}
		run, err := s.work(ctx, site)
		if err != nil {
			return err
		}
		s.mu.Lock()
		bad, found := s.pages[url]
		s.mu.Unlock()
		if !found || bad.Class != class {
			err = fmt.Errorf("its class is %q, not %q: %s", bad.Class, class, bad.Error)
		}
		return errors.Join(err, s.holdsItems(ctx, s.store, p.Names()), holdsOnce(ctx, s.store, run), s.holdsSlots(ctx))
	}
}

func badProxy(ctx context.Context, s *scene) error {
	site, p, err := s.site("waiting", "")
	if err != nil {
		return err
	}
	site.Limits.Retries = new(int)
	if err := s.open(ctx, through(s.options.Launch, "--proxy-server=http://127.0.0.1:1", "--proxy-bypass-list=<-loopback>")); err != nil {
		return err
	}
	run, err := s.work(ctx, site)
	if err != nil {
		return err
	}
	if run.State != store.RunFailed || run.Class != crawl.ClassConnect {
		err = fmt.Errorf("the run is %s with class %q: %s", run.State, run.Class, run.Error)
	}
	err = errors.Join(err, s.pool.Close(ctx))
	if openErr := s.open(ctx, s.options.Launch); openErr != nil {
		return errors.Join(err, openErr)
	}
	if run, workErr := s.work(ctx, site); workErr != nil {
		return errors.Join(err, workErr)
	} else if run.State != store.RunDone {
		err = errors.Join(err, fmt.Errorf("the second run is %s: %s", run.State, run.Error))
	}
	return errors.Join(err, s.holdsItems(ctx, s.store, p.Names()), s.holdsSlots(ctx))
}
