package client

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Op is a WebSocket opcode.
type Op byte

// The opcodes of RFC 6455.
const (
	Continuation Op = 0
	Text         Op = 1
	Binary       Op = 2
	Closing      Op = 8
	Ping         Op = 9
	Pong         Op = 10
)

// appendFrame appends one whole masked frame.
func appendFrame(dst []byte, op Op, payload []byte) []byte {
	dst = append(dst, 0x80|byte(op))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	for i := range payload {
		dst[start+i] ^= mask[i&3]
	}
	return dst
}

// readFrame reads one frame of a server: unmasked, without reserved bits.
func (c *Conn) readFrame() (op Op, fin bool, payload []byte, err error) {
	if d := time.Duration(c.silence.Load()); d > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
	var head [8]byte
	if _, err := io.ReadFull(c.br, head[:2]); err != nil {
		return 0, false, nil, err
	}
	if head[0]&0x70 != 0 || head[1]&0x80 != 0 {
		return 0, false, nil, fmt.Errorf("frame begins with %#x %#x: reserved bits or a mask from a server", head[0], head[1])
	}
	op, fin = Op(head[0]&0x0f), head[0]&0x80 != 0
	size := uint64(head[1])
	switch size {
	case 126:
		_, err = io.ReadFull(c.br, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(c.br, head[:8])
		size = binary.BigEndian.Uint64(head[:8])
	}
	if err != nil {
		return 0, false, nil, err
	}
	if size > uint64(c.limit) {
		return 0, false, nil, fmt.Errorf("frame of %d bytes, at most %d are wanted", size, c.limit)
	}
	if size > 0 {
		payload = make([]byte, size)
	}
	_, err = io.ReadFull(c.br, payload)
	return op, fin, payload, err
}
