package record

// Flags of Message, Open, Closed and Context.
const (
	flagBinary      = 0x01
	flagRedelivered = 0x02
	flagTrace       = 0x04 // 16 bytes follow the fixed fields
	flagAlone       = 0x08
)

const (
	messageHead = 24 // conn u64, term u32, seq u32
	eventHead   = 24 // the same
	revokedHead = 20 // conn u64, term u32
	traceSize   = 16
)

// Trace is a trace id that rides along; the zero Trace is "none" and takes no
// bytes.
type Trace [16]byte

// IsZero reports whether there is no trace.
func (t Trace) IsZero() bool { return t == Trace{} }

// Message is a frame that a client sent: event Seq of conn Conn, for the
// worker that owns the conn in Term.
type Message struct {
	Conn        uint64
	Term        uint32
	Seq         uint32
	Binary      bool // a binary WebSocket message, else text
	Redelivered bool // it may have been handled before
	Alone       bool // no other handler may run beside its own; not of Context
	Trace       Trace
	Payload     []byte
}

// AppendMessage appends m to dst. When the payload is above MaxPayload it
// returns dst as it was, and an error.
func AppendMessage(dst []byte, m Message) ([]byte, error) {
	if len(m.Payload) > MaxPayload {
		return dst, refuse(KindMessage, "payload", ErrTooLarge)
	}
	head, flags := messageHead, flagIf(m.Binary, flagBinary)|flagIf(m.Redelivered, flagRedelivered)|flagIf(m.Alone, flagAlone)
	if !m.Trace.IsZero() {
		head, flags = head+traceSize, flags|flagTrace
	}
	dst, rec := extend(dst, KindMessage, flags, head, head+len(m.Payload))
	putEvent(rec, m.Conn, m.Term, m.Seq)
	if flags&flagTrace != 0 {
		copy(rec[messageHead:], m.Trace[:])
	}
	copy(rec[head:], m.Payload)
	return dst, nil
}

func checkMessage(rec []byte, head int) (string, error) {
	if rec[5]&flagTrace != 0 && head < messageHead+traceSize {
		return "trace", ErrMalformed
	}
	if len(rec)-head > MaxPayload {
		return "payload", ErrTooLarge
	}
	return "", nil
}

// Message returns the current record, which must be of KindMessage.
func (r *Reader) Message() (m Message) { // filled field by field: a third faster than by literal
	rec := r.want(KindMessage, KindMessage)
	_ = rec[messageHead-1]
	m.Conn = le.Uint64(rec[8:])
	m.Term = le.Uint32(rec[16:])
	m.Seq = le.Uint32(rec[20:])
	m.Binary = rec[5]&flagBinary != 0
	m.Redelivered = rec[5]&flagRedelivered != 0
	m.Alone = rec[5]&flagAlone != 0
	m.Payload = tail(rec)
	if rec[5]&flagTrace != 0 {
		m.Trace = Trace(rec[messageHead:])
	}
	return m
}

// Event is what Open, Closed and Context carry: whose and which, and a
// protobuf body. Context is no event and has Seq 0; nothing acknowledges it.
type Event struct {
	Conn        uint64
	Term        uint32
	Seq         uint32
	Redelivered bool
	Alone       bool // as in Message; not of Context
	Body        []byte
}

// AppendOpen appends an Open: the client's handshake waits for its DoneWith.
// A body above MaxBody returns dst as it was, and an error.
func AppendOpen(dst []byte, e Event) ([]byte, error) { return appendEvent(dst, KindOpen, e) }

// AppendClosed appends a Closed, the last event of a conn.
func AppendClosed(dst []byte, e Event) ([]byte, error) { return appendEvent(dst, KindClosed, e) }

// AppendContext appends a Context, which stands before the first event of a
// conn that the worker does not know or has forgotten.
func AppendContext(dst []byte, e Event) ([]byte, error) { return appendEvent(dst, KindContext, e) }

func appendEvent(dst []byte, k Kind, e Event) ([]byte, error) {
	if len(e.Body) > MaxBody {
		return dst, refuse(k, "body", ErrTooLarge)
	}
	dst, rec := extend(dst, k, flagIf(e.Redelivered, flagRedelivered)|flagIf(e.Alone, flagAlone), eventHead, eventHead+len(e.Body))
	putEvent(rec, e.Conn, e.Term, e.Seq)
	copy(rec[eventHead:], e.Body)
	return dst, nil
}

// Event returns the current record, which must be of KindOpen, KindClosed or
// KindContext.
func (r *Reader) Event() Event {
	rec := r.want(KindOpen, KindContext)
	return Event{
		Conn:        le.Uint64(rec[8:]),
		Term:        le.Uint32(rec[16:]),
		Seq:         le.Uint32(rec[20:]),
		Redelivered: rec[5]&flagRedelivered != 0,
		Alone:       rec[5]&flagAlone != 0,
		Body:        tail(rec),
	}
}

// Revoked tells a worker that it no longer acts for a conn. Term is the first
// term that it does not hold.
type Revoked struct {
	Conn uint64
	Term uint32
}

// AppendRevoked appends v to dst.
func AppendRevoked(dst []byte, v Revoked) []byte {
	dst, rec := extend(dst, KindRevoked, 0, revokedHead, revokedHead)
	le.PutUint64(rec[8:], v.Conn)
	le.PutUint32(rec[16:], v.Term)
	return dst
}

// Revoked returns the current record, which must be of KindRevoked.
func (r *Reader) Revoked() Revoked {
	rec := r.want(KindRevoked, KindRevoked)
	return Revoked{Conn: le.Uint64(rec[8:]), Term: le.Uint32(rec[16:])}
}

func putEvent(rec []byte, conn uint64, term, seq uint32) {
	_ = rec[eventHead-1]
	le.PutUint64(rec[8:], conn)
	le.PutUint32(rec[16:], term)
	le.PutUint32(rec[20:], seq)
}
