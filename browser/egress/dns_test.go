package egress_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a DNS server in memory: each name has its addresses one after the other, of
// which the last stays. Others do not exist.
type names struct {
	mu    sync.Mutex
	table map[string][]string
	asked map[string]int
}

func newNames(table map[string][]string) *names {
	return &names{table: table, asked: map[string]int{}}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

// serve answers as over TCP: each message follows its length.
func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(question) != nil || len(m.Questions) != 1 {
			return
		}
		answer, err := n.answer(m).Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *names) answer(m dnsmessage.Message) *dnsmessage.Message {
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	name := strings.TrimSuffix(q.Name.String(), ".")
	n.mu.Lock()
	defer n.mu.Unlock()
	list, known := n.table[name]
	if !known {
		m.RCode = dnsmessage.RCodeNameError
		return &m
	}
	if q.Type != dnsmessage.TypeA {
		return &m
	}
	at := min(n.asked[name], len(list)-1)
	n.asked[name]++
	m.Answers = []dnsmessage.Resource{{
		Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type},
		Body:   &dnsmessage.AResource{A: netip.MustParseAddr(list[at]).As4()},
	}}
	return &m
}
