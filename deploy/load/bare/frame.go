package bare

import "encoding/binary"

// unmask takes the first frame off b, short of 64 KiB and from a client, in place.
// ok is false when it is not whole yet.
func unmask(b []byte) (payload, rest []byte, ok bool) {
	if len(b) < 6 {
		return nil, b, false
	}
	size, at := int(b[1]&0x7f), 2
	if size == 126 {
		size, at = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < at+4+size {
		return nil, b, false
	}
	key := binary.LittleEndian.Uint32(b[at:])
	wide := uint64(key)<<32 | uint64(key)
	payload, rest = b[at+4:at+4+size], b[at+4+size:]
	i := 0
	for ; i+8 <= size; i += 8 {
		binary.LittleEndian.PutUint64(payload[i:], binary.LittleEndian.Uint64(payload[i:])^wide)
	}
	for ; i < size; i++ {
		payload[i] ^= byte(key >> (8 * (i & 3)))
	}
	return payload, rest, true
}

// appendText appends a server's text frame.
func appendText(dst, payload []byte) []byte {
	if n := len(payload); n < 126 {
		dst = append(dst, 0x81, byte(n))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, 0x81, 126), uint16(n))
	}
	return append(dst, payload...)
}
