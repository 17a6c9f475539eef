package browser

import (
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/cdp"
)

// storageKey names what one origin has stored: as a document of its own, or as a frame in the pages of
// another site, which is kept apart from that ("partitioned").
type storageKey struct {
	origin    string // https://example.com:8443
	partition string // "" for none; see partitionOf
}

// String is the key as Chrome writes it. Source: blink::StorageKey::Serialize in Chromium.
func (k storageKey) String() string {
	if k.partition == "" {
		return k.origin + "/"
	}
	return k.origin + "/^" + k.partition
}

// foreignAncestor is the partition of a frame that is of the page's own site, but stands in a frame
// of another: the bit of Chrome's "ancestor chain".
const foreignAncestor = "31"

// topSite is the site that a partitioned key belongs to; "" for other keys.
func (k storageKey) topSite() string {
	if site, ok := strings.CutPrefix(k.partition, "0"); ok {
		return site
	}
	return ""
}

// host is the origin's host without its port.
func (k storageKey) host() string {
	u, err := url.Parse(k.origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// originOf returns the origin of an http or https URL. Nothing else is ever given to Chrome as one: it
// takes an origin that it cannot read for "every origin" (Storage.clearDataForOrigin, Chromium 156).
func originOf(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(u.Host, "*^,") {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}

// frame is a document that a tab shows: its main one, or that of a frame in it.
type frame struct {
	parent cdp.FrameID
	origin string // "" where it has none of its own, as in a sandbox
}

// maxFrames bounds the frames that a tab remembers of one document.
const maxFrames = 1000

// frames are what a tab shows now, as far as its own session tells: frames in processes of their own
// are targets of their own.
type frames struct {
	byID map[cdp.FrameID]frame
	site site // of the main document
}

// came notes the document of a frame and returns its storage key, if it has one.
func (fs *frames) came(f *cdp.Frame) (storageKey, bool) {
	if f.ParentID == "" {
		fs.byID, fs.site = map[cdp.FrameID]frame{}, siteOf(f)
	}
	at := frame{parent: f.ParentID}
	origin, own := originOf(f.SecurityOrigin)
	if own {
		at.origin = origin
	}
	if len(fs.byID) < maxFrames {
		fs.byID[f.ID] = at
	}
	if !own || fs.site.host == "" {
		return storageKey{}, false
	}
	return storageKey{origin: origin, partition: fs.partitionOf(at)}, true
}

// gone forgets a frame.
func (fs *frames) gone(id cdp.FrameID) { delete(fs.byID, id) }

// keys are the storage keys of all documents that are shown.
func (fs *frames) keys() []storageKey {
	var keys []storageKey
	for _, f := range fs.byID {
		if f.origin != "" && fs.site.host != "" {
			keys = append(keys, storageKey{origin: f.origin, partition: fs.partitionOf(f)})
		}
	}
	return keys
}

// partitionOf is the part of a storage key that keeps a frame's data apart from those of its origin
// elsewhere. Chrome says the same (Storage.getStorageKey), for a call per frame.
func (fs *frames) partitionOf(f frame) string {
	if !fs.site.holds(f.origin) {
		return "0" + fs.site.String()
	}
	for above := f.parent; above != ""; {
		a, known := fs.byID[above]
		if known && !fs.site.holds(a.origin) {
			return foreignAncestor
		}
		if !known || a.parent == above {
			break
		}
		above = a.parent
	}
	return ""
}

// site is what Chrome counts as one: a scheme and a registrable domain, or a host where there is none.
type site struct {
	scheme, host string
	wide         bool // a registrable domain: what is below it belongs to it
}

func (s site) String() string {
	if strings.Contains(s.host, ":") {
		return s.scheme + "://[" + s.host + "]"
	}
	return s.scheme + "://" + s.host
}

// siteOf is the site of a main document. Its registrable domain is Chrome's own answer; an address,
// localhost and a public suffix have none.
func siteOf(f *cdp.Frame) site {
	origin, ok := originOf(f.SecurityOrigin)
	if !ok {
		return site{}
	}
	u, err := url.Parse(origin)
	if err != nil {
		return site{}
	}
	if domain := f.DomainAndRegistry; domain != "" {
		return site{scheme: u.Scheme, host: domain, wide: true}
	}
	return site{scheme: u.Scheme, host: u.Hostname()}
}

// holds says whether an origin is of the site.
func (s site) holds(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != s.scheme {
		return false
	}
	return u.Hostname() == s.host || s.wide && strings.HasSuffix(u.Hostname(), "."+s.host)
}
