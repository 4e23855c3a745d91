package handshake

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"google.golang.org/protobuf/proto"
)

// maxStepBytes bounds a step on a connection: a Hello with all its features, and room.
const maxStepBytes = 16 << 10

// connStream is a connection as a Stream: each step is its length in four bytes, big
// endian, and its protobuf. It reads no byte that comes after the handshake.
type connStream struct{ conn net.Conn }

func (s connStream) Send(m *nodev1.Handshake) error {
	b, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, 4), m)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	_, err = s.conn.Write(b)
	return err
}

func (s connStream) Recv() (*nodev1.Handshake, error) {
	var head [4]byte
	if _, err := io.ReadFull(s.conn, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxStepBytes {
		return nil, fmt.Errorf("%w: a step of %d bytes", ErrInvalid, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(s.conn, b); err != nil {
		return nil, err
	}
	m := new(nodev1.Handshake)
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return m, nil
}
