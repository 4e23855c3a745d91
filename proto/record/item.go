package record

// itemSize is what each body of a Send and each reply of a Done begins with:
// u32 length of the payload, u8 flags, u8 length of the subprotocol's name,
// u16 zero. Name and payload follow.
const itemSize = 8

// Body is one form of a frame. A Send carries up to MaxBodies of them; a conn
// gets the one that names its subprotocol, else the one that names "".
type Body struct {
	Subprotocol string // up to MaxSubprotocol bytes; "" is the default
	Binary      bool
	Payload     []byte
}

// BodyView is a Body that a Reader returned; both slices point into the batch.
type BodyView struct {
	Subprotocol []byte
	Binary      bool
	Payload     []byte
}

// appendItem appends v to dst; bounds and room are checked by the caller.
func appendItem(dst []byte, v Body) []byte {
	dst = le.AppendUint32(dst, uint32(len(v.Payload)))
	dst = append(dst, flagIf(v.Binary, flagBinary), byte(len(v.Subprotocol)), 0, 0)
	dst = append(dst, v.Subprotocol...)
	return append(dst, v.Payload...)
}

// checkItem returns the size of the item that b begins with.
func checkItem(b []byte) (int, error) {
	if len(b) < itemSize {
		return 0, ErrTruncated
	}
	n := le.Uint32(b)
	if n > MaxPayload {
		return 0, ErrTooLarge
	}
	size := itemSize + int(b[5]) + int(n)
	if size > len(b) {
		return 0, ErrTruncated
	}
	return size, nil
}

// cutItem splits a checked item off b.
func cutItem(b []byte) (v BodyView, rest []byte) {
	n, name := int(le.Uint32(b)), int(b[5])
	p := b[itemSize+name:]
	v.Binary = b[4]&flagBinary != 0
	v.Subprotocol = b[itemSize : itemSize+name : itemSize+name]
	if n > 0 {
		v.Payload = p[:n:n]
	}
	return v, p[n:]
}
