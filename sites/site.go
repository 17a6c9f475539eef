// Package sites says what to scrape: pages, when, steps, and what to take.
package sites

import (
	"time"
)

// Site is one thing to scrape, as its site file says it. A Site that Load or
// Parse returned is complete: every default is filled in and every value has
// been checked, so the rest of the program does not check again.
//
// A site file is one YAML document. Some values may be written short: a list of one
// entry as that entry (start: https://shop.example/), a source or a link as its CSS
// selector (each: .card, links: [a.next]), fields as a mapping of names to selectors or
// to fields (fields: {title: h1, price: {css: .price, type: number}}), a wait as its
// event (wait: load), a challenge as its mode (challenge: wait), and egress as what it
// allows (egress: [intra.example]). Aliases are
// allowed, merge keys (<<) are not. ${NAME} stands for an environment variable in the
// texts of type and select steps, and nowhere else.
type Site struct {
	// Name identifies the site everywhere: lower-case letters, digits, '-' and '_',
	// at most 64 characters.
	Name string `yaml:"name"`
	// Description is free text, shown by listings. Default: none.
	Description string `yaml:"description,omitempty"`
	// Start are the absolute http or https URLs that every run begins with.
	Start []string `yaml:"start"`

	// Schedule is a cron expression of five fields (six with seconds first) or a
	// descriptor such as @every 10m, whose runs stand at whole multiples of the period
	// (UTC), so that every process names the same times. Default: none, the site runs
	// only when asked.
	Schedule string `yaml:"schedule,omitempty"`
	// Timezone is the IANA zone in which Schedule is read. Default: UTC.
	Timezone string `yaml:"timezone,omitempty"`
	// Jitter delays each scheduled run by a time between 0 and this. Default: 0.
	Jitter Duration `yaml:"jitter,omitempty"`
	// Timeout bounds one run. Default: 30m.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Overlap says what happens to a run that is due while the one before it still
	// runs. Default: skip.
	Overlap Overlap `yaml:"overlap,omitempty"`
	// Missed says what happens to runs that were due while no worker ran.
	// Default: latest.
	Missed Missed `yaml:"missed,omitempty"`

	// Isolation says what a run shares with others. Default: context; with keep: page
	// it is tab, the only one that leaves a document open.
	Isolation Isolation `yaml:"isolation,omitempty"`
	// Keep leaves the document open between runs; then only Steps are repeated.
	// Default: none.
	Keep Keep `yaml:"keep,omitempty"`
	// Frames says when a page is drawn: lazily, only once a wait has not held for 300 ms and then as
	// long as it does not, or always, as for a person who looks. Pages with steps are always drawn.
	// Default: lazy.
	Frames Frames `yaml:"frames,omitempty"`
	// Challenge says what to do with a challenge page. Default: fail, the page is
	// failed with class blocked.
	Challenge Challenge `yaml:"challenge,omitempty"`

	// UserAgent is sent instead of the default, which names Ebb. Default: "", the
	// identifying one.
	UserAgent string `yaml:"user_agent,omitempty"`
	// Robots says whether robots.txt is obeyed. Default: obey.
	Robots RobotsRule `yaml:"robots,omitempty"`

	// Cleanup says which cleanups are done, and when. Default: those of the configuration;
	// with isolation tab, unless the document is kept, also blank: run.
	Cleanup Cleanup `yaml:"cleanup,omitempty"`

	// Limits bound a run. Default: those of each limit.
	Limits Limits `yaml:"limits,omitempty"`
	// Block names what a page may not load. Default: nothing is blocked.
	Block Block `yaml:"block,omitempty"`
	// Egress says which addresses may be reached: for security, whatever asks for them.
	// Default: those of the public internet, and those of the configuration.
	Egress Egress `yaml:"egress,omitempty"`
	// Follow says which links a run may follow. Default: all of the start URLs'
	// origins.
	Follow Follow `yaml:"follow,omitempty"`

	// Templates say what the pages are, in order of precedence.
	Templates []Template `yaml:"templates"`

	// File is where the site was read from; "" for a site made in memory.
	File string `yaml:"-"`

	at positions // where each value stands in File; nil for a site made in memory
}

// Overlap is what happens to a run that is due while the one before it runs.
type Overlap string

const (
	OverlapSkip  Overlap = "skip"  // the due run is recorded as skipped
	OverlapQueue Overlap = "queue" // the due run waits for the one before it
)

// Missed is what happens to runs that were due while no worker ran.
type Missed string

const (
	MissedLatest Missed = "latest" // only the last one is made up for
	MissedAll    Missed = "all"    // every one is made up for, in order
	MissedSkip   Missed = "skip"   // none is
)

// Isolation is what a run shares with other runs.
type Isolation string

const (
	IsolationTab     Isolation = "tab"     // a tab that later runs use again
	IsolationPage    Isolation = "page"    // a new tab for each page
	IsolationContext Isolation = "context" // a browser context for each run
	IsolationBrowser Isolation = "browser" // a Chrome for each run
)

// Keep is what stays open between runs.
type Keep string

const (
	KeepNone Keep = "none"
	KeepPage Keep = "page" // the document stays open; only steps are repeated
)

// RobotsRule says whether robots.txt is obeyed.
type RobotsRule string

const (
	RobotsObey   RobotsRule = "obey"
	RobotsIgnore RobotsRule = "ignore"
)

// Challenge is what to do with a challenge page, which is never evaded.
type Challenge struct {
	// Mode is "fail" (the page is blocked at once) or "wait". Default: fail. In a
	// site file `challenge: wait` is short for `challenge: {mode: wait}`.
	Mode ChallengeMode `yaml:"mode,omitempty"`
	// Limit is how long to wait for the challenge to pass. Default: 30s.
	Limit Duration `yaml:"limit,omitempty"`
}

// ChallengeMode is what to do with a challenge page.
type ChallengeMode string

const (
	ChallengeFail ChallengeMode = "fail"
	ChallengeWait ChallengeMode = "wait"
)

// Limits bound a run. Every one of them is enforced.
type Limits struct {
	// Pages is the largest number of pages a run visits. Default: 1000.
	Pages int `yaml:"pages,omitempty"`
	// Depth is the largest number of links between a start URL and a page; 0 visits
	// the start URLs only. Default: 10.
	Depth *int `yaml:"depth,omitempty"`
	// PageTimeout bounds one visit, from navigation to items. Default: 30s.
	PageTimeout Duration `yaml:"page_timeout,omitempty"`
	// Hang is how much processor time a script of a page may take without a pause while the
	// page is waited for: then it is ended, and the page fails with class hung. A page that is
	// tried again has four times as much. Default: 1s.
	Hang Duration `yaml:"hang,omitempty"`
	// PageSize is the largest document that is taken. Default: 20MB.
	PageSize Size `yaml:"page_size,omitempty"`
	// ItemSize is the largest item, as JSON, that is stored. Default: 1MB.
	ItemSize Size `yaml:"item_size,omitempty"`
	// Rate is how many pages a second are asked of one host. Default: 5/s. In a site
	// file: 2/s, 30/m, 100/h, or "none".
	Rate Rate `yaml:"rate,omitempty"`
	// Burst is how many pages may be asked of a host at once after a pause. Default: 1.
	Burst int `yaml:"burst,omitempty"`
	// PerHost is how many pages of one host are open at once. Default: 2.
	PerHost int `yaml:"per_host,omitempty"`
	// Tabs is how many pages of this site are open at once. Default: 2.
	Tabs int `yaml:"tabs,omitempty"`
	// Retries is how often a page that failed for a passing reason is tried again
	// within a run. Default: 2.
	Retries *int `yaml:"retries,omitempty"`
}

// Block names what a page may not load.
type Block struct {
	// Kinds are resource kinds: image, font, media, stylesheet, script, xhr,
	// websocket, other. Default: none.
	Kinds []ResourceKind `yaml:"kinds,omitempty"`
	// URLs are patterns in which * stands for any characters. Default: none.
	URLs []string `yaml:"urls,omitempty"`
}

// Egress says which addresses may be reached, by pages, by what they load, by their
// workers and by the fetching of robots.txt. An entry is a host (intra.example), the hosts
// below a name (*.intra.example), an address (10.1.2.3), one of these with a port
// (intra.example:8080), a range of addresses (10.0.0.0/8), or * for everything.
type Egress struct {
	// Allow are hosts and addresses that may be reached although they are loopback, private,
	// link-local or otherwise not public, beside those of egress.allow in the configuration.
	// A start URL or an origin of follow.origins that names a loopback or another address by
	// its number, or localhost, allows that address with its port. Default: none.
	Allow []string `yaml:"allow,omitempty"`
	// Deny are hosts and addresses that may not be reached, even if Allow names them; * is
	// everything that Allow does not name. Default: none.
	Deny []string `yaml:"deny,omitempty"`
}

// Follow says which links a run may follow, whatever template found them.
type Follow struct {
	// Origins are further origins (scheme://host[:port]) that may be visited beside
	// those of the start URLs. "*" allows every origin. Default: none, same origin.
	Origins []string `yaml:"origins,omitempty"`
	// Allow, where given, are URL patterns of which one must match. Default: none,
	// everything.
	Allow []Pattern `yaml:"allow,omitempty"`
	// Deny are URL patterns of which none may match. Default: none.
	Deny []Pattern `yaml:"deny,omitempty"`
	// IgnoreQuery drops these query parameters from the canonical form (utm_* and
	// the well-known click ids are always dropped). Default: none.
	IgnoreQuery []string `yaml:"ignore_query,omitempty"`
}

// Pattern is a URL pattern. Written plainly it is a glob: * stands for any
// characters but '/', ** for any characters, ? for one; it is matched against the
// whole URL when it has a scheme, against path and query when it starts with '/'.
// With a leading ~ ("~/p/[0-9]+$") the rest is a regular expression (RE2), searched
// for in the whole URL.
type Pattern string

// Template is one kind of page: when it applies, what to wait for, what to do, and
// what to take.
type Template struct {
	// Name is unique within the site.
	Name string `yaml:"name"`
	// Match are URL patterns; a page whose URL matches one gets this template unless
	// the link that led there named another. Default: none, only by link; a start URL
	// that matches nothing gets the first template.
	Match []Pattern `yaml:"match,omitempty"`
	// Wait is what must be true before Steps; all of them. Default: dom.
	Wait []Wait `yaml:"wait,omitempty"`
	// Steps are done in order before extraction. Default: none.
	Steps []Step `yaml:"steps,omitempty"`
	// Items are the records to take. Default: none.
	Items []ItemRule `yaml:"items,omitempty"`
	// Links are what to follow. Default: none.
	Links []LinkRule `yaml:"links,omitempty"`
}

// Wait is one condition with its time limit. Exactly one condition is set.
type Wait struct {
	// Selector waits until a CSS selector matches.
	Selector string `yaml:"selector,omitempty"`
	// Function waits until a JavaScript expression is truthy in the page's own world.
	Function string `yaml:"function,omitempty"`
	// Event is load, dom or network-idle (no request for 500 ms).
	Event WaitEvent `yaml:"event,omitempty"`
	// Timeout bounds this wait. Default: the page timeout.
	Timeout Duration `yaml:"timeout,omitempty"`
	// Optional makes a wait that times out no error. Default: false.
	Optional bool `yaml:"optional,omitempty"`
}

// WaitEvent is a moment in the life of a document.
type WaitEvent string

const (
	WaitLoad        WaitEvent = "load"
	WaitDOM         WaitEvent = "dom"
	WaitNetworkIdle WaitEvent = "network-idle"
)

// Step is one thing to do on a page. Exactly one of the actions is set.
type Step struct {
	Click    string   `yaml:"click,omitempty"`    // CSS selector of what to click
	Type     *Input   `yaml:"type,omitempty"`     // text into an element, key by key
	Press    string   `yaml:"press,omitempty"`    // a key: Enter, Tab, Escape, ArrowDown, a, ...
	Select   *Input   `yaml:"select,omitempty"`   // a value in a <select>
	Scroll   string   `yaml:"scroll,omitempty"`   // "end": to the end, until nothing more is loaded
	Wait     *Wait    `yaml:"wait,omitempty"`     // wait for a condition
	Sleep    Duration `yaml:"sleep,omitempty"`    // wait for a time; at most a minute
	Evaluate string   `yaml:"evaluate,omitempty"` // JavaScript in the page's own world
	Back     bool     `yaml:"back,omitempty"`     // one entry back in the history
	Goto     string   `yaml:"goto,omitempty"`     // navigate to a URL, relative to the page

	// Optional makes a step that fails no error. Default: false.
	Optional bool `yaml:"optional,omitempty"`
	// Times repeats the step. Default: 1.
	Times int `yaml:"times,omitempty"`
	// Timeout bounds the step. Default: the page timeout.
	Timeout Duration `yaml:"timeout,omitempty"`
}

// Input is text for an element. Text may hold ${NAME}, which is replaced by the
// environment variable NAME when the step is done and is never written anywhere.
type Input struct {
	Into string `yaml:"into"` // CSS selector of the element
	Text string `yaml:"text"` // what to type, or the value to select; may be empty
}

// ItemRule takes records from a page.
type ItemRule struct {
	// Name is the kind of item; unique within the template. Default: the template's
	// name.
	Name string `yaml:"name,omitempty"`
	// Each is where the records are: one record for each match; with neither Each nor
	// JSON the document itself is the one record.
	Each *Source `yaml:"each,omitempty"`
	// Key names the fields that together identify an item over runs. Default: the
	// page's URL, and with Each the record's content.
	Key []string `yaml:"key,omitempty"`
	// Fields are what to take from each record: a list of fields with names, or a
	// mapping of names to fields, in which a plain text is a CSS selector.
	Fields []Field `yaml:"fields"`
}

// Source is where a value is found. At most one of CSS, XPath, JSONLD and JSON is
// set; in a site file a plain text is a CSS selector.
type Source struct {
	CSS   string `yaml:"css,omitempty"`   // CSS selector, below the record
	XPath string `yaml:"xpath,omitempty"` // XPath 1.0, relative to the record
	// JSONLD is a schema.org @type: the JSON-LD objects of that type in the document
	// (@graph is searched), in document order.
	JSONLD string `yaml:"json_ld,omitempty"`
	// JSON is a CSS selector of a <script> whose text is JSON, or that assigns JSON to
	// a variable (window.__STATE__ = {...}).
	JSON string `yaml:"json,omitempty"`
	// Path goes down into JSON: a.b[0].c, [*] for each element. With css or xpath the
	// text of the match is read as JSON; with no source it starts at the record.
	// Default: the whole.
	Path string `yaml:"path,omitempty"`
}

// Field is one named value of an item.
type Field struct {
	// Name is the key of the value in the item; unique within its fields. Where fields
	// are a mapping, the key is the name.
	Name   string `yaml:"name"`
	Source `yaml:",inline"`
	// Attr takes an attribute. Default: the text.
	Attr string `yaml:"attr,omitempty"`
	// HTML takes the inner HTML instead of the text. Default: false.
	HTML bool `yaml:"html,omitempty"`
	// Const is a fixed value instead of a source. {url} (in canonical form), {title} and
	// {now} stand for the page's. Default: none.
	Const string `yaml:"const,omitempty"`
	// Many takes all matches as an array. Default: false, the first.
	Many bool `yaml:"many,omitempty"`
	// Fields makes the value an object (or with Many an array of objects) of fields
	// found below the match.
	Fields []Field `yaml:"fields,omitempty"`
	// Type is what the text becomes. Default: text.
	Type FieldType `yaml:"type,omitempty"`
	// Locale says how numbers and month names are written: a BCP 47 tag, for types
	// number, integer and date. Default: en.
	Locale string `yaml:"locale,omitempty"`
	// Layout is a Go time layout, or iso8601, rfc2822, unix. Needed by type date.
	Layout string `yaml:"layout,omitempty"`
	// Timezone is the zone of dates that name none. Default: the site's.
	Timezone string `yaml:"timezone,omitempty"`
	// Regex is applied to the text (RE2); its first group, or else the whole match,
	// becomes the text. No match counts as not found. Default: none.
	Regex string `yaml:"regex,omitempty"`
	// Default is the value where nothing was found. Default: null.
	Default any `yaml:"default,omitempty"`
	// Required makes a record without this value a fault of class missing. Default: false.
	Required bool `yaml:"required,omitempty"`
}

// FieldType is what a field's text becomes.
type FieldType string

const (
	TypeText    FieldType = "text"    // white space folded
	TypeRaw     FieldType = "raw"     // as it stands
	TypeNumber  FieldType = "number"  // the first number in the text, read by locale
	TypeInteger FieldType = "integer" // as number; a fraction is a fault
	TypeBoolean FieldType = "boolean" // true/yes/1/on..., false/no/0/off...; with a selector and no text: whether it matched
	TypeDate    FieldType = "date"    // RFC 3339 in UTC; a date without time stays a date
	TypeURL     FieldType = "url"     // made absolute against the page
	TypeJSON    FieldType = "json"    // the text parsed as JSON
)

// LinkRule finds links to follow.
type LinkRule struct {
	Source `yaml:",inline"`
	// Attr holds the URL. Default: href.
	Attr string `yaml:"attr,omitempty"`
	// Template is what the linked pages are. Default: "", chosen by URL.
	Template string `yaml:"template,omitempty"`
	// Pagination marks links to further pages of the same list: they do not count as
	// depth. Default: false.
	Pagination bool `yaml:"pagination,omitempty"`
	// Limit is the largest number of links taken from one page. Default: 0, all.
	Limit int `yaml:"limit,omitempty"`
}

// Duration is a time.Duration written as 500ms, 90s, 1h30m.
type Duration time.Duration

// Size is a number of bytes written as 500KB, 20MB, 1.5GB (powers of 1000) or KiB,
// MiB, GiB (powers of 1024).
type Size int64

// Rate is a number of pages a second, written as 2/s, 30/m, 100/h or none; 0 means no
// limit.
type Rate float64
