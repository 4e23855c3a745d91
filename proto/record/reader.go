package record

import "encoding/binary"

// headerSize is what every record begins with: u32 length of the whole
// record, u8 kind, u8 flags, u16 head (where the part of variable length
// begins).
const headerSize = 8

var le = binary.LittleEndian

// Reader goes over the records of one batch in place.
//
//	r := record.NewReader(batch)
//	for r.Next() {
//		switch r.Kind() {
//		case record.KindMessage:
//			m := r.Message()
//		}
//	}
//	if err := r.Err(); err != nil { … }
//
// What it returns points into the batch: it is valid as long as the batch is,
// and must not be written to. A Reader is for one goroutine.
type Reader struct {
	batch []byte
	next  int    // where the next record begins
	rec   []byte // the current record
	err   error
}

// NewReader returns a Reader before the first record of batch.
func NewReader(batch []byte) Reader { return Reader{batch: batch} }

// Next moves to the next record and checks all of it, so that the accessors
// cannot fail. It returns false at the end of the batch and at the first
// record that is wrong; Err tells them apart.
//
// Records of a kind that this version does not know are framed like all
// others. Next stops at them too: a switch on Kind passes over them by having
// no case, and a caller that counts them asks Kind().Known().
func (r *Reader) Next() bool {
	if r.err != nil || r.next == len(r.batch) {
		r.rec = nil
		return false
	}
	b := r.batch[r.next:]
	if len(b) < headerSize {
		return r.fail(0, "header", ErrTruncated)
	}
	size, kind, head := le.Uint32(b), Kind(b[4]), int(le.Uint16(b[6:]))
	switch {
	case kind == 0:
		return r.fail(kind, "kind", ErrMalformed)
	case size > MaxRecord:
		return r.fail(kind, "length", ErrTooLarge)
	case int(size) > len(b):
		return r.fail(kind, "length", ErrTruncated)
	case head > int(size) || head < headerSize:
		return r.fail(kind, "head", ErrMalformed)
	}
	rec := b[:size:size]
	if known := &kinds[kind]; known.check != nil {
		if head < known.head {
			return r.fail(kind, "head", ErrMalformed)
		}
		if what, err := known.check(rec, head); err != nil {
			return r.fail(kind, what, err)
		}
	}
	r.rec = rec
	r.next += len(rec)
	return true
}

func (r *Reader) fail(k Kind, what string, err error) bool {
	r.err = &Error{Kind: k, Offset: r.next, What: what, Err: err}
	r.rec = nil
	return false
}

// Err returns what ended the iteration: nil, or an *Error. After an error the
// rest of the batch is lost: the lengths can no longer be trusted, and the
// link should be closed.
func (r *Reader) Err() error { return r.err }

// Kind returns the kind of the current record, and 0 when there is none.
func (r *Reader) Kind() Kind {
	if r.rec == nil {
		return 0
	}
	return Kind(r.rec[4])
}

// Raw returns the whole current record, its header included: what a tool
// prints, or a test copies.
func (r *Reader) Raw() []byte { return r.rec }

// want returns the current record, which must be of one of the kinds a to b.
// Another kind is a mistake of the caller's switch, never of the peer.
func (r *Reader) want(a, b Kind) []byte {
	if k := r.Kind(); k < a || k > b {
		panic("record: the current record is " + k.String() + ", not " + a.String())
	}
	return r.rec
}

func head(rec []byte) int { return int(le.Uint16(rec[6:])) }

// tail returns the part of variable length. It is nil when empty, so that
// what is read equals what was written.
func tail(rec []byte) []byte {
	h := head(rec)
	if h == len(rec) {
		return nil
	}
	return rec[h:]
}
