package browser

import "context"

// StorageKeys are the storage keys that a tab's lease has touched, as Chrome writes them.
func (l *Lease) StorageKeys() []string {
	var keys []string
	for _, k := range l.touched.list() {
		keys = append(keys, k.String())
	}
	return keys
}

// MaxTouched is how many of them are remembered.
const MaxTouched = maxTouched

// OriginOf tells the origin of a URL.
func OriginOf(url string) (string, bool) { return originOf(url) }

// RendererAnon is what the renderer of a lease's tab holds, also after its release.
func RendererAnon(ctx context.Context, l *Lease) (int64, bool) { return l.rendererAnon(ctx) }

// IsBusy tells whether an idle tab may be lent to nobody.
func IsBusy(p *Pool, t *Tab) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.idle {
		if i.tab == t {
			return i.busy
		}
	}
	return false
}
