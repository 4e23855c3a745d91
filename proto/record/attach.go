package record

// AppendAttached appends the first record of a gateway after the handshake:
// what the worker must know of it. A body above MaxBody returns
// dst as it was, and an error.
func AppendAttached(dst, body []byte) ([]byte, error) { return appendBody(dst, KindAttached, body) }

// Attached returns the protobuf body of the current record, which must be of
// KindAttached.
func (r *Reader) Attached() (body []byte) { return tail(r.want(KindAttached, KindAttached)) }

// AppendAttach appends the first record of a worker after the handshake: what
// the gateway must know of it. A body above MaxBody returns dst as it was, and an error.
func AppendAttach(dst, body []byte) ([]byte, error) { return appendBody(dst, KindAttach, body) }

// Attach returns the protobuf body of the current record, which must be of
// KindAttach.
func (r *Reader) Attach() (body []byte) { return tail(r.want(KindAttach, KindAttach)) }

func appendBody(dst []byte, k Kind, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return dst, refuse(k, "body", ErrTooLarge)
	}
	dst, rec := extend(dst, k, 0, headerSize, headerSize+len(body))
	copy(rec[headerSize:], body)
	return dst, nil
}
