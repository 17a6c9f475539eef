package heap

import (
	"math"
	"slices"
)

// Frame is a function in the stack that allocated an object.
type Frame struct {
	Function string `json:"function"`
	Script   string `json:"script,omitempty"`
	Line     int    `json:"line,omitempty"`   // from 1; 0 where V8 does not tell
	Column   int    `json:"column,omitempty"` // from 1
}

// stacks are where objects were allocated, in a snapshot that was taken while allocations were
// tracked; nothing in any other.
type stacks struct {
	functions []traceFunction
	// of holds by the number of an allocation its function and that of its caller.
	of map[uint32]traceNode
}

type traceFunction struct{ name, script, line, column uint32 }

type traceNode struct{ function, caller uint32 }

// traceInfos reads the functions that allocate.
func (d *decoder) traceInfos() error {
	at := columns(d.head.Meta.TraceInfoFields, "name", "script_name", "line", "column")
	functions := &d.s.stacks.functions
	begin := func(uint64) error {
		*functions = append(*functions, traceFunction{})
		return nil
	}
	take := func(field int, value uint64) error {
		f := &(*functions)[len(*functions)-1]
		switch at[field] {
		case 0:
			f.name = uint32(value)
			d.name.meet(value, d.offset())
		case 1:
			f.script = uint32(value)
			d.name.meet(value, d.offset())
		case 2:
			f.line = uint32(value)
		case 3:
			f.column = uint32(value)
		}
		return d.fits(value)
	}
	_, err := d.rows("trace_function_infos", at, begin, take)
	return err
}

// traceTree reads the tree of calls: each node is a row whose field "children" is a list of
// rows. The rows that are open are kept in a list, not on the stack of this program.
func (d *decoder) traceTree() error {
	fields := d.head.Meta.TraceNodeFields
	at := columns(fields, "id", "function_info_index", "children")
	d.s.stacks.of = make(map[uint32]traceNode)
	if err := d.expect('['); err != nil {
		return err
	}
	type level struct {
		field        int
		id, function uint32
	}
	open := []level{{}}
	for first := true; len(open) > 0; {
		top := &open[len(open)-1]
		more, err := d.more(first, ']')
		first = false
		switch {
		case err != nil:
			return err
		case !more:
			if top.field != 0 {
				return d.fault("a row of \"trace_tree\" is not whole")
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return nil
			}
			d.endField(&open[len(open)-1].field, len(fields))
			continue
		case len(fields) == 0:
			return d.fault("\"trace_tree\" has values, but meta says that there are none")
		}
		if at[top.field] == 2 {
			if len(open) > maxNesting {
				return d.fault("calls lie more than %d deep in each other", maxNesting)
			}
			if err := d.expect('['); err != nil {
				return err
			}
			open, first = append(open, level{}), true
			continue
		}
		if at[top.field] < 0 {
			if err := d.skip(nil); err != nil {
				return err
			}
			d.endField(&top.field, len(fields))
			continue
		}
		value, err := d.number(math.MaxUint32)
		if err != nil {
			return err
		}
		switch at[top.field] {
		case 0:
			top.id = uint32(value)
		case 1:
			if value >= uint64(len(d.s.stacks.functions)) {
				return d.fault("there is no function %d; there are %d", value, len(d.s.stacks.functions))
			}
			top.function = uint32(value)
			caller := uint32(0)
			if len(open) > 1 {
				caller = open[len(open)-2].id
			}
			d.s.stacks.of[top.id] = traceNode{function: top.function, caller: caller}
		}
		d.endField(&top.field, len(fields))
	}
	return nil
}

// endField goes on to the next field of a row, or to the next row.
func (d *decoder) endField(field *int, fields int) {
	if *field++; *field == fields {
		*field = 0
	}
}

// Stack tells where an object was allocated, the innermost function first; nil where that was not
// tracked. At most 32 functions.
func (s *Snapshot) Stack(id uint32) []Frame {
	n := s.find(id)
	if n == none || s.traceID == nil {
		return nil
	}
	var frames []Frame
	for at := s.traceID[n]; len(frames) < 32; {
		node, ok := s.stacks.of[at]
		if !ok {
			break
		}
		f := s.stacks.functions[node.function]
		frames = append(frames, Frame{Function: s.strings.at(f.name), Script: s.strings.at(f.script), Line: int(f.line), Column: int(f.column)})
		at = node.caller
	}
	return slices.Clip(frames)
}
