package heap

import (
	"math"
)

// rows reads an array of numbers, len(at) of them a row. It calls begin with the number of each
// row, and then take with the position and the value of each field; those that at gives no
// column (-1) are gone over, whatever they hold.
func (d *decoder) rows(part string, at []int, begin func(row uint64) error, take func(field int, value uint64) error) (rows uint64, err error) {
	if err := d.expect('['); err != nil {
		return 0, err
	}
	fields := len(at)
	for field, first := 0, true; ; first = false {
		more, err := d.more(first, ']')
		switch {
		case err != nil:
			return rows, err
		case !more && field != 0:
			return rows, d.fault("the last row of %q has %d of %d values", part, field, fields)
		case !more:
			return rows, nil
		case fields == 0:
			return rows, d.fault("%q has values, but meta says that there are none", part)
		}
		if field == 0 {
			if err := begin(rows); err != nil {
				return rows, err
			}
		}
		if at[field] < 0 {
			if err := d.skip(nil); err != nil {
				return rows, err
			}
		} else {
			value, err := d.number(math.MaxUint64 >> 1)
			if err != nil {
				return rows, err
			}
			if err := take(field, value); err != nil {
				return rows, err
			}
		}
		if field++; field == fields {
			field = 0
			rows++
		}
	}
}

// nodes reads the nodes.
func (d *decoder) nodes() error {
	s, count := d.s, d.head.NodeCount
	n := d.reserve(count)
	s.nodeType, s.nodeName, s.nodeID = make([]uint8, 0, n), make([]uint32, 0, n), make([]uint32, 0, n)
	s.selfSize, s.firstEdge = make([]uint64, 0, n), make([]uint32, 1, n+1)
	at := columns(d.head.Meta.NodeFields, "type", "name", "id", "self_size", "edge_count", "detachedness")
	var edges uint64
	begin := func(row uint64) error {
		if row == count {
			return d.fault("there are more nodes than the %d that node_count says", count)
		}
		return nil
	}
	take := func(field int, value uint64) error {
		switch at[field] {
		case 0:
			if value >= uint64(len(s.nodeTypes)) {
				return d.fault("a node has the type %d; meta lists %d", value, len(s.nodeTypes))
			}
			s.nodeType = append(s.nodeType, uint8(value))
		case 1:
			d.name.meet(value, d.offset())
			s.nodeName = append(s.nodeName, uint32(value))
		case 2:
			s.nodeID = append(s.nodeID, uint32(value))
			return d.fits(value)
		case 3:
			s.selfSize = append(s.selfSize, value)
			return d.sane(value)
		case 4:
			if edges += value; value > d.head.EdgeCount || edges > d.head.EdgeCount {
				return d.fault("the nodes have more edges than the %d that edge_count says", d.head.EdgeCount)
			}
			s.firstEdge = append(s.firstEdge, uint32(edges))
		case 5:
			s.detached = append(s.detached, uint8(min(value, 255)))
		}
		return nil
	}
	rows, err := d.rows("nodes", at, begin, take)
	switch {
	case err != nil:
		return err
	case rows != count:
		return d.fault("there are %d nodes, not the %d that node_count says", rows, count)
	case edges != d.head.EdgeCount:
		return d.fault("the nodes have %d edges, not the %d that edge_count says", edges, d.head.EdgeCount)
	}
	return nil
}

// fits refuses a number that does not fit into 32 bits.
func (d *decoder) fits(value uint64) error {
	if value > math.MaxUint32 {
		return d.fault("the number %d does not fit into 32 bits", value)
	}
	return nil
}

// sane refuses a size that no object has, so that sums of sizes do not overflow.
func (d *decoder) sane(size uint64) error {
	const most = 1 << 48 // an address space
	if size > most {
		return d.fault("an object of %d bytes cannot be", size)
	}
	if most := uint64(1 << 62); d.total+size > most {
		return d.fault("the objects are too large all together")
	}
	d.total += size
	return nil
}

// edges reads the edges, which stand in the order of the nodes that they begin at.
func (d *decoder) edges() error {
	s, count := d.s, d.head.EdgeCount
	n := d.reserve(count)
	s.edgeType, s.edgeName, s.edgeTo = make([]uint8, 0, n), make([]uint32, 0, n), make([]uint32, 0, n)
	at := columns(d.head.Meta.EdgeFields, "type", "name_or_index", "to_node")
	nodeFields, nodes := uint64(len(d.head.Meta.NodeFields)), uint64(s.Nodes())
	begin := func(row uint64) error {
		if row == count {
			return d.fault("there are more edges than the %d that edge_count says", count)
		}
		return nil
	}
	known := 0 // fields of this row
	var name uint64
	var nameAt int64
	take := func(field int, value uint64) error {
		switch at[field] {
		case 0:
			if value >= uint64(len(s.edgeTypes)) {
				return d.fault("an edge has the type %d; meta lists %d", value, len(s.edgeTypes))
			}
			s.edgeType = append(s.edgeType, uint8(value))
		case 1:
			name, nameAt = value, d.offset()
			s.edgeName = append(s.edgeName, uint32(value))
			if err := d.fits(value); err != nil {
				return err
			}
		case 2:
			if value%nodeFields != 0 || value/nodeFields >= nodes {
				return d.fault("an edge leads to %d, where no node begins", value)
			}
			s.edgeTo = append(s.edgeTo, uint32(value/nodeFields))
		}
		if known++; known == 3 {
			known = 0
			if !s.relations[s.edgeType[len(s.edgeType)-1]].numbered() {
				d.name.meet(name, nameAt)
			}
		}
		return nil
	}
	rows, err := d.rows("edges", at, begin, take)
	if err == nil && rows != count {
		err = d.fault("there are %d edges, not the %d that edge_count says", rows, count)
	}
	return err
}

// locations reads where functions and constructors begin.
func (d *decoder) locations() error {
	fields := d.head.Meta.LocationFields
	at := columns(fields, "object_index", "script_id", "line", "column", "script_object_index")
	nodeFields, nodes := uint64(len(d.head.Meta.NodeFields)), uint64(d.s.Nodes())
	node := func(value uint64) (uint32, error) {
		if value%nodeFields != 0 || value/nodeFields >= nodes {
			return 0, d.fault("a location belongs to %d, where no node begins", value)
		}
		return uint32(value / nodeFields), nil
	}
	begin := func(row uint64) error {
		if row > nodes {
			return d.fault("there are more locations than nodes")
		}
		d.s.locations = append(d.s.locations, location{scriptNode: none})
		return nil
	}
	take := func(field int, value uint64) (err error) {
		l := &d.s.locations[len(d.s.locations)-1]
		switch at[field] {
		case 0:
			l.node, err = node(value)
			return err
		case 4:
			l.scriptNode, err = node(value)
			return err
		case 1:
			l.script = uint32(value)
		case 2:
			l.line = uint32(value)
		case 3:
			l.column = uint32(value)
		}
		return d.fits(value)
	}
	_, err := d.rows("locations", at, begin, take)
	return err
}
