package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// cleanHTTPCache empties the HTTP cache of every area, which is that of the whole browser context.
func cleanHTTPCache(ctx context.Context, c *cleaning) {
	t := tally{of: "cached responses", known: true}
	c.eachArea(ctx, func(ctx context.Context, a area) error {
		if a.context != "" {
			return a.cleanCacheInMemory(ctx, c, &t)
		}
		return a.cleanCacheOnDisk(ctx, &t)
	})
	if c.report.Skipped == "" && (t.found > 0 || !c.unsure) {
		t.tell(c)
	}
}

func (a area) clearCache(ctx context.Context) error {
	s, done, err := a.session(ctx)
	if err != nil {
		return err
	}
	defer done()
	if _, err := cdp.Call(ctx, s, network.ClearBrowserCache, cdp.Empty{}); err != nil {
		return fmt.Errorf("empty the HTTP cache: %w", err)
	}
	return nil
}

// cleanCacheOnDisk counts the files of the default browser context's cache before and after.
func (a area) cleanCacheOnDisk(ctx context.Context, t *tally) error {
	before, beforeBytes, err := a.member.browser.cacheFiles()
	if err != nil {
		return err
	}
	if err := a.clearCache(ctx); err != nil {
		return err
	}
	deadline := time.Now().Add(clearTime)
	for {
		after, afterBytes, err := a.member.browser.cacheFiles()
		if err != nil {
			return err
		}
		if after == 0 || time.Now().After(deadline) {
			t.found, t.left, t.bytes = t.found+before, t.left+after, t.bytes+max(0, float64(beforeBytes-afterBytes))
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// cacheFiles are the responses in the HTTP cache on disk, and their bytes. Each is a file NAME_0, with
// its streams in NAME_1 and NAME_s. Source: net/disk_cache/simple in Chromium.
func (b *Browser) cacheFiles() (responses int, bytes int64, err error) {
	dir := filepath.Join(b.folder.profile(), "Default", "Cache", "Cache_Data")
	entries, err := os.ReadDir(dir)
	if err != nil {
		if os.IsNotExist(err) {
			return 0, 0, nil // nothing was ever cached
		}
		return 0, 0, fmt.Errorf("look at the HTTP cache: %w", err)
	}
	for _, e := range entries {
		name, stream, ok := strings.Cut(e.Name(), "_")
		if !ok || len(name) != 16 {
			continue
		}
		var info fs.FileInfo
		if info, err = e.Info(); err != nil {
			continue // it has gone meanwhile
		}
		bytes += info.Size()
		if stream == "0" {
			responses++
		}
	}
	return responses, bytes, nil
}

// cleanCacheInMemory empties the cache of a browser context that keeps it in memory, where nobody can
// count it: the page that is open is asked which of what it loaded is still there.
func (a area) cleanCacheInMemory(ctx context.Context, c *cleaning, t *tally) error {
	t.known = false
	before := a.cachedOfPage(ctx)
	if err := a.clearCache(ctx); err != nil {
		return err
	}
	t.found += before
	if before == 0 {
		c.unsure = true
		c.say("the cache is in memory, where it cannot be counted, and no page is open whose responses could be asked for")
		return nil
	}
	t.left += a.cachedOfPage(ctx)
	return nil
}

// cachedScript counts how many of ten responses that the page loaded from its own origin are in the HTTP
// cache: nothing is asked of the network.
const cachedScript = `(async () => {
	const own = performance.getEntriesByType("resource").map(e => e.name).filter(u => u.startsWith(location.origin + "/"));
	const urls = [...new Set([location.href.split("#")[0], ...own])].slice(0, 10);
	const asked = urls.map(u => fetch(u, {cache: "only-if-cached", mode: "same-origin"}).then(r => r.ok, () => false));
	return (await Promise.all(asked)).filter(Boolean).length;
})()`

// cachedOfPage is how many of the responses of the lease's page are cached; 0 where none can be asked for.
func (a area) cachedOfPage(ctx context.Context) int {
	if a.tab == nil || a.tab.Err() != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	raw, err := a.tab.isolated(ctx, cachedScript)
	n := 0
	if err != nil || json.Unmarshal(raw, &n) != nil {
		return 0
	}
	return n
}
