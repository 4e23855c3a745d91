package ws

// The opcodes of control frames.
const (
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// meter follows the frames in a stream of inbound bytes without looking into
// them, before gws sees them. It counts frames, knows whether a message is half
// read and how much that must hold, and stops what gws lets pass: a length with
// the top bit set (gws would panic), reserved bits of a conn with deflate, and long
// control frames.
type meter struct {
	length   uint64 // of the current frame's payload, as far as read
	left     uint64 // payload bytes to come
	gathered uint64 // payload of the earlier fragments of this message
	first    uint8  // first byte of the current frame
	at       uint8  // bytes of the header read; 0: not in a header
	mask     uint8  // offset of the mask in the header: 2, 4 or 10
	need     uint8  // bytes the header has
	partial  bool   // between the fragments of a message
}

// feed follows p. It returns how much of it may be read: less than all when a
// frame begins in it that breaks the protocol.
func (m *meter) feed(p []byte, deflate bool) (good int, frames int, ok bool) {
	for i := 0; i < len(p); {
		if m.left > 0 {
			n := min(m.left, uint64(len(p)-i))
			m.left -= n
			i += int(n)
			if m.left == 0 {
				m.finish()
			}
			continue
		}
		start := i - int(m.at)
		if !m.header(p[i], deflate) {
			return max(start, 0), frames, false
		}
		i++
		if m.at == m.need && m.at >= 2 {
			frames++
			m.at = 0
			m.left = m.length
			if m.left == 0 {
				m.finish()
			}
		}
	}
	return len(p), frames, true
}

// header takes the next byte of a header.
func (m *meter) header(b byte, deflate bool) bool {
	m.at++
	switch {
	case m.at == 1:
		m.first, m.mask, m.need, m.length = b, 2, 2, 0
		return m.bits(deflate)
	case m.at == 2:
		switch n := b & 0x7f; {
		case n > 125 && m.first&0x0f >= opClose:
			return false // RFC 6455 5.5: gws would judge the length first, as too big a message
		case n == 126:
			m.mask = 4
		case n == 127:
			m.mask = 10
		default:
			m.length = uint64(n)
		}
		m.need = m.mask
		if b&0x80 != 0 {
			m.need += 4
		}
	case m.at == 3 && m.mask == 10 && b&0x80 != 0:
		return false // RFC 6455 5.2: the top bit must be 0
	case m.at <= m.mask:
		m.length = m.length<<8 | uint64(b)
	}
	return true
}

// bits refuses reserved bits. Without deflate gws does so itself.
func (m *meter) bits(deflate bool) bool {
	rsv1, rsv23, op := m.first&0x40 != 0, m.first&0x30 != 0, m.first&0x0f
	if !deflate {
		return true
	}
	return !rsv23 && !(rsv1 && op != 1 && op != 2)
}

// finish is the end of a frame's payload.
func (m *meter) finish() {
	if m.first&0x0f >= 8 {
		return // control frames stand between the fragments of a message
	}
	if m.first&0x80 != 0 {
		m.partial, m.gathered = false, 0
		return
	}
	m.partial = true
	m.gathered += m.length
}

// unfinished tells whether a message has begun and not ended.
func (m *meter) unfinished() bool { return m.partial || m.left > 0 || m.at > 0 }

// holding is how much payload a reader must hold for the unfinished message.
func (m *meter) holding() uint64 {
	if m.left > 0 {
		return m.gathered + m.length
	}
	return m.gathered
}
