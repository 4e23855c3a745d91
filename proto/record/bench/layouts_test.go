package bench

import (
	"encoding/binary"
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/record"
	benchv1 "github.com/parley-im/parley/proto/record/bench/v1"
)

// event is the hot record: what a client sent.
type event struct {
	conn                uint64
	term, seq           uint32
	binary, redelivered bool
	payload             []byte
}

// A layout writes events behind dst and reads them in place. Decoders are as
// careful as the real one: they check every length before they use it.
type layout struct {
	name   string
	encode func(dst []byte, es []event) []byte
	decode func(b []byte, do func(event)) error
}

var layouts = []layout{
	{"protobuf", encodeProto, decodeProto},
	{"varint", encodeVarint, decodeVarint},
	{"fixed", encodeFixed, decodeFixed},
	{"fixed-aligned", encodeAligned, decodeAligned},
	{"fixed-table", encodeTable, decodeTable},
	{"record", encodeRecord, decodeRecord},
}

var (
	le       = binary.LittleEndian
	errShort = errors.New("short")
)

const maxPayload = record.MaxPayload

// protobuf: repeated messages, one object each.

func batchOf(es []event) *benchv1.Batch {
	b := &benchv1.Batch{Messages: make([]*benchv1.Message, len(es))}
	for i, e := range es {
		b.Messages[i] = &benchv1.Message{Conn: e.conn, Term: e.term, Seq: e.seq, Binary: e.binary, Redelivered: e.redelivered, Payload: e.payload}
	}
	return b
}

func eachOf(b *benchv1.Batch, do func(event)) {
	for _, m := range b.Messages {
		do(event{m.Conn, m.Term, m.Seq, m.Binary, m.Redelivered, m.Payload})
	}
}

func encodeProto(dst []byte, es []event) []byte {
	dst, err := proto.MarshalOptions{}.MarshalAppend(dst, batchOf(es))
	if err != nil {
		panic(err)
	}
	return dst
}

func decodeProto(b []byte, do func(event)) error {
	var batch benchv1.Batch
	if err := proto.Unmarshal(b, &batch); err != nil {
		return err
	}
	eachOf(&batch, do)
	return nil
}

// varint: uvarint length, kind and flags bytes, then uvarints (conn numbers
// are random, so they are fixed here too: a random uvarint takes ten bytes).

func encodeVarint(dst []byte, es []event) []byte {
	var head [32]byte
	for i := range es {
		e := &es[i]
		h := append(head[:0], 1, flags(e))
		h = le.AppendUint64(h, e.conn)
		h = binary.AppendUvarint(h, uint64(e.term))
		h = binary.AppendUvarint(h, uint64(e.seq))
		dst = binary.AppendUvarint(dst, uint64(len(h)+len(e.payload)))
		dst = append(append(dst, h...), e.payload...)
	}
	return dst
}

func decodeVarint(b []byte, do func(event)) error {
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) || size < 10 {
			return errShort
		}
		rec := b[n : n+int(size) : n+int(size)]
		b = b[n+int(size):]
		e := event{conn: le.Uint64(rec[2:]), binary: rec[1]&1 != 0, redelivered: rec[1]&2 != 0}
		rec = rec[10:]
		term, n := binary.Uvarint(rec)
		if n <= 0 || term > 1<<32-1 {
			return errShort
		}
		rec = rec[n:]
		seq, n := binary.Uvarint(rec)
		if n <= 0 || seq > 1<<32-1 || len(rec)-n > maxPayload {
			return errShort
		}
		e.term, e.seq, e.payload = uint32(term), uint32(seq), rec[n:]
		do(e)
	}
	return nil
}

// fixed: u32 length, u8 kind, u8 flags, u16 zero; u64 conn, u32 term, u32 seq.

func encodeFixed(dst []byte, es []event) []byte {
	for i := range es {
		e := &es[i]
		n, size := len(dst), 24+len(e.payload)
		dst = slices.Grow(dst, size)[:n+size]
		putFixed(dst[n:], e, size)
		copy(dst[n+24:], e.payload)
	}
	return dst
}

func decodeFixed(b []byte, do func(event)) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return errShort
		}
		size := int(le.Uint32(b))
		if size < 24 || size > len(b) || size-24 > maxPayload {
			return errShort
		}
		do(getFixed(b[:size:size]))
		b = b[size:]
	}
	return nil
}

// record: package record, which is "fixed" with many kinds, optional fields
// and room for new ones.

func encodeRecord(dst []byte, es []event) []byte {
	var err error
	for i := range es {
		e := &es[i]
		dst, err = record.AppendMessage(dst, record.Message{Conn: e.conn, Term: e.term, Seq: e.seq, Binary: e.binary, Redelivered: e.redelivered, Payload: e.payload})
		if err != nil {
			panic(err)
		}
	}
	return dst
}

func decodeRecord(b []byte, do func(event)) error {
	r := record.NewReader(b)
	for r.Next() {
		switch r.Kind() {
		case record.KindMessage:
			m := r.Message()
			do(event{m.Conn, m.Term, m.Seq, m.Binary, m.Redelivered, m.Payload})
		}
	}
	return r.Err()
}

// fixed-aligned: each record begins at a multiple of 8.

func encodeAligned(dst []byte, es []event) []byte {
	for i := range es {
		e := &es[i]
		n := len(dst)
		size := 24 + len(e.payload)
		padded := (size + 7) &^ 7
		dst = slices.Grow(dst, padded)[:n+padded]
		rec := dst[n:]
		putFixed(rec, e, size)
		clear(rec[24+copy(rec[24:], e.payload):])
	}
	return dst
}

func decodeAligned(b []byte, do func(event)) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return errShort
		}
		size := int(le.Uint32(b))
		padded := (size + 7) &^ 7
		if size < 24 || padded > len(b) || size-24 > maxPayload {
			return errShort
		}
		do(getFixed(b[:size:size]))
		b = b[padded:]
	}
	return nil
}

// fixed-table: u32 count and u32 ends of all records first, then the records.

func encodeTable(dst []byte, es []event) []byte {
	at := len(dst)
	dst = slices.Grow(dst, 4+4*len(es))[:at+4+4*len(es)]
	le.PutUint32(dst[at:], uint32(len(es)))
	first := len(dst)
	for i := range es {
		e := &es[i]
		n, size := len(dst), 24+len(e.payload)
		dst = slices.Grow(dst, size)[:n+size]
		putFixed(dst[n:], e, size)
		copy(dst[n+24:], e.payload)
		le.PutUint32(dst[at+4+4*i:], uint32(len(dst)-first))
	}
	return dst
}

func decodeTable(b []byte, do func(event)) error {
	if len(b) < 4 {
		return errShort
	}
	count := int(le.Uint32(b))
	if count > (len(b)-4)/4 {
		return errShort
	}
	table, recs := b[4:4+4*count], b[4+4*count:]
	from := 0
	for range count {
		to := int(le.Uint32(table))
		table = table[4:]
		if to > len(recs) || to-from < 24 || to-from-24 > maxPayload {
			return errShort
		}
		do(getFixed(recs[from:to:to]))
		from = to
	}
	return nil
}

func putFixed(rec []byte, e *event, size int) {
	le.PutUint32(rec, uint32(size))
	le.PutUint32(rec[4:], 1|uint32(flags(e))<<8)
	le.PutUint64(rec[8:], e.conn)
	le.PutUint32(rec[16:], e.term)
	le.PutUint32(rec[20:], e.seq)
}

func getFixed(rec []byte) event {
	return event{le.Uint64(rec[8:]), le.Uint32(rec[16:]), le.Uint32(rec[20:]), rec[5]&1 != 0, rec[5]&2 != 0, rec[24:]}
}

func flags(e *event) (f byte) {
	if e.binary {
		f |= 1
	}
	if e.redelivered {
		f |= 2
	}
	return f
}
