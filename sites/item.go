package sites

import (
	"encoding/json"
	"time"
)

// Item is one record taken from a page.
type Item struct {
	// Kind is the name of the ItemRule that took it.
	Kind string
	// Key identifies the item over runs, within its site and kind.
	Key string
	// Data are the fields as a JSON object, in the order of the site file.
	Data json.RawMessage
	// Hash is the SHA-256 of Data in canonical form, in hexadecimal: it changes when
	// the content does.
	Hash string
}

// Link is a link that a LinkRule found.
type Link struct {
	// URL is absolute but not yet canonical.
	URL string
	// Template is the template that the rule names; "" for one chosen by URL.
	Template string
	// Pagination marks a further page of the same list.
	Pagination bool
}

// ItemFault is what is wrong with a page's data. The record is then not taken, unless
// it is one invalid value of a field that is not required: that value is left out.
type ItemFault struct {
	// Kind and Field say where; Field is "" for a whole item, Kind too for the page.
	Kind, Field string
	// Class is FaultMissing, FaultInvalid or FaultTooLarge; see Program.Decode.
	Class string
	// Message says what was found and what was expected.
	Message string
}

// PageInfo is what Decode must know of the page beside what the program returned.
type PageInfo struct {
	// URL is the final URL, after redirects.
	URL string
	// Now is the time of the visit.
	Now time.Time
}

// Extract is what a page's program took from it.
type Extract struct {
	Title string
	// Bytes is the decoded size of the document; 0 where unknown.
	Bytes int64
	// Status is the HTTP status from the navigation's timing entry; 0 where unknown.
	Status int
	// Waited is how long the page's waits took, by the page's own clock.
	Waited time.Duration
	Items  []Item
	Links  []Link
	Faults []ItemFault
}
