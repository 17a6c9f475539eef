package leaky

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// sockets are the websockets that pages hold open: they say nothing, and answer only
// that they close (RFC 6455).
type sockets struct {
	mu     sync.Mutex
	open   map[net.Conn]bool // owned by mu
	closed bool              // owned by mu
	served sync.WaitGroup
}

// acceptGUID is what RFC 6455 section 1.3 adds to a client's key.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// serve answers one opening handshake and holds the socket until either side closes.
func (s *sockets) serve(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")
	hijacker, ok := w.(http.Hijacker)
	if key == "" || !ok || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "this is for websockets", http.StatusUpgradeRequired)
		return
	}
	conn, buffer, err := hijacker.Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !s.add(conn) {
		conn.Close()
		return
	}
	defer s.remove(conn)
	sum := sha1.Sum([]byte(key + acceptGUID))
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
	if _, err := io.WriteString(conn, answer); err == nil && untilClose(buffer.Reader) {
		_, _ = conn.Write([]byte{0x88, 0}) // a close frame without a reason
	}
}

// untilClose reads a client's frames until one asks to close; false if there is none.
func untilClose(r *bufio.Reader) bool {
	const closing, maskBytes = 0x8, 4
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return false
		}
		length := int64(head[1] & 0x7f)
		var long uint64
		switch length {
		case 126:
			var short uint16
			if binary.Read(r, binary.BigEndian, &short) != nil {
				return false
			}
			length = int64(short)
		case 127:
			if binary.Read(r, binary.BigEndian, &long) != nil || long > maxBytes {
				return false
			}
			length = int64(long)
		}
		if _, err := io.CopyN(io.Discard, r, maskBytes+length); err != nil {
			return false
		}
		if head[0]&0x0f == closing {
			return true
		}
	}
}

// add notes a socket; false after close.
func (s *sockets) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.open == nil {
		s.open = map[net.Conn]bool{}
	}
	s.open[conn] = true
	s.served.Add(1)
	return true
}

func (s *sockets) remove(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	s.served.Done()
}

// close ends all sockets; none is opened afterwards.
func (s *sockets) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.open {
		conn.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
}
