package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The opcodes of RFC 6455 that a crowd speaks.
const (
	opText    = 1
	opBinary  = 2
	opClosing = 8
	opPing    = 9
	opPong    = 10
)

// mask is not random, as RFC 6455 wants it against proxies that can be fooled:
// there is none here, and a server's work is the same.
const mask uint64 = 0x8a17c35a_8a17c35a

// AppendText appends one masked text frame.
func AppendText(dst, payload []byte) []byte { return appendFrame(dst, opText, payload) }

func appendFrame(dst []byte, op byte, payload []byte) []byte {
	dst = append(dst, 0x80|op)
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
	dst = binary.LittleEndian.AppendUint32(dst, uint32(mask&0xffffffff))
	for len(payload) >= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, binary.LittleEndian.Uint64(payload)^mask)
		payload = payload[8:]
	}
	for i, b := range payload {
		dst = append(dst, b^byte(mask>>(8*i)))
	}
	return dst
}

// maxFrame is the largest frame that a conn of a crowd takes.
const maxFrame = 1 << 20

var (
	errFragment = errors.New("a fragment: a crowd does not put them together")
	errMasked   = errors.New("a masked frame, or one with reserved bits, from a server")
)

// cut takes the first frame off b. ok is false when it is not whole yet.
func cut(b []byte) (op byte, payload, rest []byte, ok bool, err error) {
	if len(b) < 2 {
		return 0, nil, b, false, nil
	}
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 {
		return 0, nil, b, false, errMasked
	}
	if b[0]&0x80 == 0 || b[0]&0x0f == 0 {
		return 0, nil, b, false, errFragment
	}
	size, at := int(b[1]), 2
	switch size {
	case 126:
		if at = 4; len(b) < at {
			return 0, nil, b, false, nil
		}
		size = int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if at = 10; len(b) < at {
			return 0, nil, b, false, nil
		}
		n := binary.BigEndian.Uint64(b[2:])
		if n > maxFrame {
			return 0, nil, b, false, fmt.Errorf("a frame of %d bytes", n)
		}
		size = int(n)
	}
	if len(b) < at+size {
		return 0, nil, b, false, nil
	}
	return b[0] & 0x0f, b[at : at+size], b[at+size:], true, nil
}
