package linkcodec

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of AttachRequest and AttachResponse.
const (
	fieldHandshake = 1
	fieldRecords   = 2
)

// Codec marshals a *Batch itself and leaves every other message to gRPC's
// codec for protobuf. Both write the same bytes and share the name "proto", so
// one end may use it and the other not.
type Codec struct{}

var (
	_        encoding.CodecV2 = Codec{}
	standard                  = encoding.GetCodecV2(proto.Name)
)

// Name returns "proto".
func (Codec) Name() string { return proto.Name }

// Marshal takes a *Batch without copying its records.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*Batch)
	if !ok {
		return standard.Marshal(v)
	}
	if b.in {
		return nil, errors.New("linkcodec: a batch that was received cannot be sent: copy its records")
	}
	head := make([]byte, 0, 2*11+len(b.Handshake))
	if len(b.Handshake) > 0 {
		head = protowire.AppendTag(head, fieldHandshake, protowire.BytesType)
		head = protowire.AppendBytes(head, b.Handshake)
	}
	if len(b.Records) == 0 {
		return mem.BufferSlice{mem.SliceBuffer(head)}, nil
	}
	head = protowire.AppendTag(head, fieldRecords, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(b.Records)))
	// gRPC frees what it gets once it has written it; share has counted a
	// reference for it.
	return mem.BufferSlice{mem.SliceBuffer(head), b.share()}, nil
}

// Unmarshal fills a *Batch in place when the message came in one piece, and
// copies it together once when not. What b held before is released.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*Batch)
	if !ok {
		return standard.Unmarshal(data, v)
	}
	b.Release()
	// gRPC frees data after we return; the buffer carries a reference of ours.
	b.held, b.in = data.MaterializeToBuffer(&incoming), true
	if err := b.parse(b.held.ReadOnlyData()); err != nil {
		b.Release()
		return fmt.Errorf("linkcodec: %w", err)
	}
	return nil
}

// errTwoHandshakes: protobuf would merge them, and joining their bytes is not
// the same when one is broken. No encoder writes a singular field twice.
var errTwoHandshakes = errors.New("two handshakes in one envelope")

// parse finds the fields in the bytes of an envelope, by protobuf's rules: of
// repeated records the last count, unknown fields are skipped.
func (b *Batch) parse(p []byte) error {
	for len(p) > 0 {
		num, typ, n := protowire.ConsumeTag(p)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if !num.IsValid() {
			return fmt.Errorf("field number %d", num)
		}
		p = p[n:]
		if typ != protowire.BytesType || num > fieldRecords {
			if n = protowire.ConsumeFieldValue(num, typ, p); n < 0 {
				return protowire.ParseError(n)
			}
			p = p[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(p)
		if n < 0 {
			return protowire.ParseError(n)
		}
		p = p[n:]
		v = v[:len(v):len(v)]
		switch {
		case num == fieldRecords:
			b.Records = v
		case b.Handshake == nil:
			b.Handshake = v
		default:
			return errTwoHandshakes
		}
	}
	return nil
}
