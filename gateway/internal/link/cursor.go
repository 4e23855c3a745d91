package link

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

var errCursor = errors.New("the cursor is not one of this list of this gateway")

// cursor says where a list goes on. A worker keeps its bytes without reading them: the
// layout's version, what is listed, a sum of the gateway's boot and of the groups that
// are meant, and a place, or the last name.
type cursor struct {
	place hub.Place // of conns
	name  string    // of users and groups
}

const (
	cursorVersion = 1
	cursorHead    = 2 + 8
)

// listSum tells lists, and the lives of gateways, apart: places and the order of names
// mean nothing to another boot.
func listSum(boot uint64, groups []string) uint64 {
	sum := fnv1a(fnvStart, string(binary.BigEndian.AppendUint64(nil, boot)))
	for _, g := range groups {
		sum = fnv1a(sum, string(binary.AppendUvarint(nil, uint64(len(g)))))
		sum = fnv1a(sum, g)
	}
	return sum
}

func (c cursor) encode(of gatewayv1.Listed, sum uint64) []byte {
	b := binary.BigEndian.AppendUint64([]byte{cursorVersion, byte(of)}, sum)
	if of == gatewayv1.Listed_LISTED_CONNS {
		return binary.BigEndian.AppendUint64(b, uint64(c.place))
	}
	return append(b, c.name...)
}

// decodeCursor reads what encode wrote for the same list. No bytes are the beginning.
func decodeCursor(b []byte, of gatewayv1.Listed, sum uint64) (cursor, error) {
	if len(b) == 0 {
		return cursor{}, nil
	}
	if len(b) < cursorHead || b[0] != cursorVersion || b[1] != byte(of) || binary.BigEndian.Uint64(b[2:]) != sum {
		return cursor{}, errCursor
	}
	rest := b[cursorHead:]
	if of == gatewayv1.Listed_LISTED_CONNS {
		if len(rest) != 8 || !hub.Place(binary.BigEndian.Uint64(rest)).Valid() {
			return cursor{}, errCursor
		}
		return cursor{place: hub.Place(binary.BigEndian.Uint64(rest))}, nil
	}
	if len(rest) > maxNameBytes || !utf8.Valid(rest) {
		return cursor{}, errCursor
	}
	return cursor{name: string(rest)}, nil
}
