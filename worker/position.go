package worker

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// place is how far a list has come at one gateway.
type place struct {
	boot   uint64
	node   string
	cursor []byte // of the gateway's own making; empty: its first page
}

// position is how far a list has come. All gateways whose boot is above begun are begun at
// once, and begun becomes the highest of their boots; those up to it that are not in open
// are done. Boots are random, so it is chance whether one that comes to the view while the
// list is read is begun too (a higher boot) or left out (a lower one); but its conns have
// come since the list began.
type position struct {
	of    gatewayv1.Listed
	begun uint64
	open  []place // in the order of boots
}

const (
	positionVersion = 1
	maxOpenPlaces   = 4096
)

var positionText = base64.RawURLEncoding.Strict()

func (p position) String() string {
	b := binary.BigEndian.AppendUint64([]byte{positionVersion, byte(p.of)}, p.begun)
	for _, at := range p.open {
		b = binary.BigEndian.AppendUint64(b, at.boot)
		b = append(binary.AppendUvarint(b, uint64(len(at.node))), at.node...)
		b = append(binary.AppendUvarint(b, uint64(len(at.cursor))), at.cursor...)
	}
	return positionText.EncodeToString(b)
}

// parsePosition reads what String wrote for a list of the same. "" is the beginning.
func parsePosition(text string, of gatewayv1.Listed) (position, error) {
	p := position{of: of}
	if text == "" {
		return p, nil
	}
	b, err := positionText.DecodeString(text)
	if err != nil || len(b) < 10 || b[0] != positionVersion || b[1] != byte(of) || strings.ContainsAny(text, "\r\n") {
		return p, errPosition()
	}
	p.begun, b = binary.BigEndian.Uint64(b[2:]), b[10:]
	for len(b) > 0 {
		if len(b) < 8 || len(p.open) == maxOpenPlaces {
			return p, errPosition()
		}
		at := place{boot: binary.BigEndian.Uint64(b)}
		node, rest, ok := cutBytes(b[8:])
		if !ok {
			return p, errPosition()
		}
		at.node = string(node)
		if at.cursor, b, ok = cutBytes(rest); !ok || at.boot > p.begun {
			return p, errPosition()
		}
		if n := len(p.open); n > 0 && p.open[n-1].boot >= at.boot {
			return p, errPosition()
		}
		p.open = append(p.open, at)
	}
	return p, nil
}

func errPosition() error { return invalid("the position is not one of such a list") }

// cutBytes takes a length and so many bytes from b.
func cutBytes(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	b = b[size:]
	return slices.Clone(b[:n]), b[n:], true
}
