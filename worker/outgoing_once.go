package worker

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/parley-im/parley/proto/record"
)

// onceOfPart is the once-key of a command that has only some of a gateway's targets: made
// of them too, so that a gateway does not take it for a repeat of another part. A repeat
// that is split at other places is not recognised, which is better than a loss.
func (o *outgoing) onceOfPart() (once record.Once) {
	h := sha256.New()
	h.Write(o.once[:])
	var b []byte
	for _, conn := range o.rec.Conns {
		b = binary.LittleEndian.AppendUint64(b, conn)
	}
	for _, name := range o.rec.Names {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(name))), name...)
	}
	h.Write(b)
	copy(once[:], h.Sum(nil))
	return once
}
