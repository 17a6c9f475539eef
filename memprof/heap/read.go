package heap

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
)

// Options bound what is kept of a snapshot.
type Options struct {
	// Size is the length of the text in bytes, if it is known. Then the memory for all nodes is
	// taken at once, and a text that promises more than it can hold is refused. Default: 0, not
	// known; Open knows it.
	Size int64
	// MaxText is how many bytes of each string are kept, at most 65,535. V8 itself writes the
	// first 1,024 characters. Default: 1,024.
	MaxText int
}

// Open reads the snapshot in a file.
func Open(path string, o Options) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a heap snapshot: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read a heap snapshot: %w", err)
	}
	if info.Mode().IsRegular() {
		o.Size = info.Size()
	}
	s, err := Read(f, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Read reads a snapshot as V8 writes it: "snapshot" first, with the order of all fields, then
// "nodes", "edges" and others, with "strings" last or anywhere. Fields, types and parts that are
// not known are left out. A text that is malformed, is not whole, or contradicts itself is a
// *SyntaxError.
func Read(r io.Reader, o Options) (*Snapshot, error) {
	if o.MaxText == 0 {
		o.MaxText = 1024
	}
	o.MaxText = min(o.MaxText, longestText)
	d := &decoder{scanner: newScanner(r), o: o, s: &Snapshot{strings: texts{limit: o.MaxText}}}
	if err := d.snapshot(); err != nil {
		return nil, fmt.Errorf("read a heap snapshot: %w", err)
	}
	return d.s, nil
}

// decoder reads one snapshot.
type decoder struct {
	*scanner
	o     Options
	s     *Snapshot
	head  *header
	seen  map[string]bool
	name  maxIndex // the largest index of a string in nodes and edges
	total uint64   // of the sizes of all nodes, in bytes
}

// snapshot reads the whole text.
func (d *decoder) snapshot() error {
	if err := d.expect('{'); err != nil {
		return err
	}
	d.seen = make(map[string]bool)
	for first := true; ; first = false {
		more, err := d.more(first, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := d.part(); err != nil {
			return err
		}
	}
	d.s.Size = d.offset()
	if err := d.ends(); err != nil {
		return err
	}
	return d.complete()
}

// ends checks that nothing follows.
func (d *decoder) ends() error {
	c, err := d.peek()
	var syntax *SyntaxError
	switch {
	case err == nil:
		return d.fault("%q follows after the snapshot", c)
	case errors.As(err, &syntax): // the end of the text
		return nil
	}
	return err
}

// part reads one key of the outermost object, and its value.
func (d *decoder) part() error {
	at := d.offset()
	key, err := d.key()
	if err != nil {
		return err
	}
	parts := map[string]func() error{
		"snapshot": d.header, "nodes": d.nodes, "edges": d.edges, "strings": d.texts,
		"locations": d.locations,
	}
	read, known := parts[key]
	if !known {
		return d.skip(nil)
	}
	if d.seen[key] {
		return faultAt(at, "%q stands there twice", key)
	}
	d.seen[key] = true
	if key != "snapshot" && key != "strings" && d.head == nil {
		return faultAt(at, "%q comes before \"snapshot\", which says how to read it", key)
	}
	if key != "snapshot" && key != "strings" && key != "nodes" && !d.seen["nodes"] {
		return faultAt(at, "%q comes before \"nodes\"", key)
	}
	return read()
}

// header reads the counts and the order of the fields.
func (d *decoder) header() error {
	if _, err := d.peek(); err != nil {
		return err
	}
	at := d.offset()
	text := []byte{}
	if err := d.skip(&text); err != nil {
		return err
	}
	h, err := parseHeader(text)
	if err != nil {
		return faultAt(at, "\"snapshot\": %v", err)
	}
	nodeTypes, err := typeNames(h.Meta.NodeFields, h.Meta.NodeTypes)
	if err != nil {
		return faultAt(at, "\"snapshot\": %v", err)
	}
	edgeTypes, err := typeNames(h.Meta.EdgeFields, h.Meta.EdgeTypes)
	if err != nil {
		return faultAt(at, "\"snapshot\": %v", err)
	}
	if size := uint64(d.o.Size); size > 0 {
		// Each value takes a digit and a comma.
		least := 2 * (h.NodeCount*uint64(len(h.Meta.NodeFields)) + h.EdgeCount*uint64(len(h.Meta.EdgeFields)))
		if least > size {
			return faultAt(at, "it says that there are %d nodes and %d edges, which do not fit into %d bytes", h.NodeCount, h.EdgeCount, size)
		}
	}
	d.head = h
	d.s.ExtraNative, d.s.nodeTypes, d.s.edgeTypes = h.ExtraNativeBytes, nodeTypes, edgeTypes
	for _, name := range nodeTypes {
		d.s.kinds = append(d.s.kinds, nodeKinds[name])
	}
	for _, name := range edgeTypes {
		d.s.relations = append(d.s.relations, edgeRelations[name])
	}
	return nil
}

// reserve is how many of count values memory is taken for at once.
func (d *decoder) reserve(count uint64) int {
	if d.o.Size > 0 {
		return int(count) // the text is long enough for them
	}
	return int(min(count, 1<<16))
}

// texts reads the strings.
func (d *decoder) texts() error {
	if err := d.expect('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := d.more(first, ']')
		if err != nil || !more {
			return err
		}
		if err := d.s.strings.read(d.scanner); err != nil {
			return err
		}
	}
}

// complete checks what can be checked only when all parts are there.
func (d *decoder) complete() error {
	for _, part := range []string{"snapshot", "nodes", "edges", "strings"} {
		if !d.seen[part] {
			return d.fault("the snapshot has no %q", part)
		}
	}
	if err := d.s.strings.checkIndex(d.name); err != nil {
		return err
	}
	d.s.findWeakKeys()
	slices.SortStableFunc(d.s.locations, func(a, b location) int { return cmp.Compare(a.node, b.node) })
	return nil
}

// weakKey is the name that V8 gives to both edges that keep the value of a WeakMap.
var weakKey = regexp.MustCompile(`^\d+ / part of key \(.*? @\d+\) -> value \(.*? @\d+\) pair in WeakMap \(table @(\d+)\)$`)

// findWeakKeys finds the names of edges to values of WeakMaps.
func (s *Snapshot) findWeakKeys() {
	s.weakKeys = make(map[uint32]uint32)
	for i := range uint32(s.strings.count()) {
		text := s.strings.bytes(i)
		if len(text) < 40 || text[0] < '0' || text[0] > '9' {
			continue
		}
		if found := weakKey.FindSubmatch(text); found != nil {
			if id, err := strconv.ParseUint(string(found[1]), 10, 32); err == nil {
				s.weakKeys[i] = uint32(id)
			}
		}
	}
}
