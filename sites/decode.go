package sites

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

// WaitError says that a page did not become what a wait asked for.
type WaitError struct {
	// Wait is the wait, and Index its position among the waits of the expression.
	Wait  Wait
	Index int
	// Message is what the page said of a selector that is not valid; "" for a wait
	// whose time was up.
	Message string
}

// Error names what was waited for.
func (e *WaitError) Error() string {
	what := fmt.Sprintf("event %q", e.Wait.Event)
	if e.Wait.Selector != "" {
		what = fmt.Sprintf("selector %q", e.Wait.Selector)
	}
	if e.Message != "" {
		return fmt.Sprintf("wait for %s: %s", what, e.Message)
	}
	return fmt.Sprintf("wait for %s: not there in time", what)
}

// StatusError says that nothing was taken from a page, since it came with another status than 200.
type StatusError struct {
	// Status is the HTTP status; 0 for a page that Chrome shows in the place of one.
	Status int
}

func (e *StatusError) Error() string { return fmt.Sprintf("the page came with status %d", e.Status) }

// SelectorError says that Chrome refuses a selector of the site file.
type SelectorError struct {
	// Where is the item and field, or the link rule, that has the selector first.
	Where string
	// Selector is the CSS selector or XPath expression.
	Selector string
	// Message is what Chrome says of it.
	Message string
}

// Error names the field and the selector.
func (e *SelectorError) Error() string {
	return fmt.Sprintf("%s: selector %q: %s", e.Where, e.Selector, e.Message)
}

// maxFaults bounds the faults told of one page.
const maxFaults = 100

// Decode reads what Expression or PlainExpression returned in a page. It returns a *StatusError for a page
// from which the latter takes nothing, a *WaitError for a wait that did not come true, and one *SelectorError for each selector that Chrome
// refuses (errors.As finds the first; Extract then holds what the others took). Any
// other error means that raw is not what the expression returns. What is wrong with
// the page's own data is told by Extract.Faults and is no error:
//
//   - missing: a required field has no value; the item is not taken;
//   - invalid: a value does not read as its type. The field is null (in an array the
//     value is left out) and the item is kept, unless the field is required. Also an
//     item whose key another item of the page has with other content; it is not taken;
//   - too-large: an item is larger than item_size, or the page holds more text than
//     is taken from one page; what was beyond is not taken.
//
// Text comes from whoever made the page: what no database stores (NUL, lone
// surrogates) is U+FFFD in it.
func (p *Program) Decode(raw []byte, page PageInfo) (Extract, error) {
	result, err := p.decodeResult(raw)
	if err != nil {
		return Extract{}, err
	}
	d, err := p.newDecoder(&result, page)
	if err != nil {
		return Extract{}, fmt.Errorf("decode the result of a page: %w", err)
	}
	for i := range p.items {
		if err := d.item(i); err != nil {
			return Extract{}, fmt.Errorf("decode the result of a page: %w", err)
		}
	}
	for i := range p.links {
		if err := d.link(i); err != nil {
			return Extract{}, fmt.Errorf("decode the result of a page: %w", err)
		}
	}
	return d.extract, errors.Join(d.selectorErrors...)
}

// DecodeWait reads what WaitExpression returned in a page: nil, a *WaitError for a
// wait that did not come true, or another error if raw is not of that expression.
func (p *Program) DecodeWait(raw []byte) error {
	_, err := p.decodeResult(raw)
	return err
}

// decodeResult reads the object that extract.js returns, up to its wait.
func (p *Program) decodeResult(raw []byte) (jsonValue, error) {
	result, err := parseJSON(string(raw))
	if err != nil {
		return result, fmt.Errorf("decode the result of a page: %w", err)
	}
	if status := result.get("p"); status != nil {
		e := &StatusError{}
		var ok bool
		if e.Status, ok = intOf(status, 1000); !ok {
			return result, errors.New("decode the result of a page: its status is none")
		}
		return result, e
	}
	wait := result.get("w")
	switch {
	case wait == nil:
		return result, errors.New("decode the result of a page: it is not of a page's expression")
	case wait.kind == jsonNull:
		return result, nil
	}
	index, ok := indexOf(wait, len(p.waits))
	if !ok || len(wait.items) != 3 {
		return result, errors.New("decode the result of a page: it names a wait that the template has not")
	}
	e := &WaitError{Wait: p.waits[index], Index: index}
	if bad := wait.items[2]; bad.text != "" {
		e.Message = excerpt(bad.text)
	}
	return result, e
}

// indexOf reads the first element of an array as a position below limit.
func indexOf(v *jsonValue, limit int) (int, bool) {
	if v.kind != jsonArray || len(v.items) == 0 {
		return 0, false
	}
	return intOf(&v.items[0], limit)
}

func intOf(v *jsonValue, limit int) (int, bool) {
	if v.kind != jsonNumber || len(v.text) > 18 || countDigits(v.text) != len(v.text) {
		return 0, false
	}
	n := 0
	for _, digit := range v.text {
		n = n*10 + int(digit-'0')
	}
	return n, n < limit
}

// decoder holds one page while its items are made.
type decoder struct {
	program *Program
	page    PageInfo
	base    *url.URL
	extract Extract

	records, scripts, links []jsonValue
	cut                     map[string]bool // item positions, "s", "l"
	selectorErrors          []error

	parsed [][]*jsonValue // by script: its JSON values, once they were asked for
	values int            // of JSON so far
}

func (p *Program) newDecoder(result *jsonValue, page PageInfo) (*decoder, error) {
	d := &decoder{program: p, page: page, cut: map[string]bool{}}
	fields := map[string]*jsonValue{}
	for key, kind := range map[string]jsonKind{
		"t": jsonString, "u": jsonString, "b": jsonString, "n": jsonArray,
		"i": jsonArray, "s": jsonArray, "l": jsonArray, "c": jsonArray, "e": jsonArray,
	} {
		v := result.get(key)
		if v == nil || v.kind != kind {
			return nil, fmt.Errorf("its %q is missing or of another kind", key)
		}
		fields[key] = v
	}
	d.extract.Title = foldText(fields["t"].text)
	d.records, d.scripts, d.links = fields["i"].items, fields["s"].items, fields["l"].items
	if len(d.records) != len(p.items) {
		return nil, fmt.Errorf("it has %d item rules, the template has %d", len(d.records), len(p.items))
	}
	d.parsed = make([][]*jsonValue, len(d.scripts))
	if n := fields["n"].items; len(n) >= 2 {
		bytes, _ := intOf(&n[0], 1<<53)
		d.extract.Bytes = int64(bytes)
		d.extract.Status, _ = intOf(&n[1], 1000)
		if len(n) > 2 {
			waited, _ := intOf(&n[2], 1<<53)
			d.extract.Waited = time.Duration(waited) * time.Microsecond
		}
	}
	if d.page.URL == "" {
		d.page.URL = fields["u"].text
	}
	d.base = baseOf(fields["b"].text, d.page.URL)
	if err := d.broken(fields["e"].items); err != nil {
		return nil, err
	}
	return d, d.cuts(fields["c"].items)
}

// baseOf is the URL that the page's own are relative to: its base where that leads
// to the web, else its address; nil where neither does.
func baseOf(candidates ...string) *url.URL {
	for _, c := range candidates {
		if u, err := url.Parse(c); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			u.User = nil
			return u
		}
	}
	return nil
}

func (d *decoder) broken(pairs []jsonValue) error {
	for i := range pairs {
		at, ok := indexOf(&pairs[i], len(d.program.selectors))
		if !ok || len(pairs[i].items) != 2 {
			return errors.New("it names a selector that the template has not")
		}
		use := d.program.selectors[at]
		d.selectorErrors = append(d.selectorErrors,
			&SelectorError{Where: use.where, Selector: use.text, Message: foldText(pairs[i].items[1].text)})
	}
	return nil
}

// cuts tells what did not fit into what is taken from one page.
func (d *decoder) cuts(places []jsonValue) error {
	for i := range places {
		message, kind := "the page holds more text than is taken from one page", ""
		switch at, ok := intOf(&places[i], len(d.program.items)); {
		case ok:
			kind = d.program.items[at].kind
			message += fmt.Sprintf("; only the first %d records are taken", len(d.records[at].items))
		case places[i].text == "-1":
			message += "; some of its scripts are not"
		case places[i].text == "-2":
			message += "; some of its links are not"
		default:
			return errors.New("it names an item rule that the template has not")
		}
		if !d.cut[message+kind] {
			d.cut[message+kind] = true
			d.fault(kind, "", FaultTooLarge, message)
		}
	}
	return nil
}

// Classes of an ItemFault.
const (
	FaultMissing  = "missing"   // a required field, or a field of the key, has no value
	FaultInvalid  = "invalid"   // a value is not what the site file says
	FaultTooLarge = "too-large" // a limit cut something off
)

func (d *decoder) fault(kind, field, class, message string) {
	switch n := len(d.extract.Faults); {
	case n < maxFaults:
		d.extract.Faults = append(d.extract.Faults, ItemFault{Kind: kind, Field: field, Class: class, Message: message})
	case n == maxFaults:
		d.extract.Faults = append(d.extract.Faults, ItemFault{Kind: kind, Class: class, Message: "there are more faults"})
	}
}
