package record

// Flags of Delta.
const (
	flagGroup   = 0x01
	flagRemoved = 0x02
)

const numberHead = 16 // one u64

// Delta tells that this gateway has got its first conn of a user or group, or
// has lost the last one.
type Delta struct {
	Seq     uint64 // numbered 1, 2, 3 … per gateway boot; 0 within a snapshot
	Group   bool   // Name is a group, else a user
	Removed bool   // the last conn is gone, else the first has come
	Name    []byte // 1 to MaxName bytes
}

// AppendDelta appends a Delta to dst. A name that is empty or above MaxName
// returns dst as it was, and an error.
func AppendDelta(dst []byte, seq uint64, group, removed bool, name string) ([]byte, error) {
	if err := checkNameSize(len(name)); err != nil {
		return dst, refuse(KindDelta, "name", err)
	}
	flags := flagIf(group, flagGroup) | flagIf(removed, flagRemoved)
	dst, rec := extend(dst, KindDelta, flags, numberHead, numberHead+len(name))
	le.PutUint64(rec[8:], seq)
	copy(rec[numberHead:], name)
	return dst, nil
}

// Delta returns the current record, which must be of KindDelta.
func (r *Reader) Delta() Delta {
	rec := r.want(KindDelta, KindDelta)
	return Delta{
		Seq:     le.Uint64(rec[8:]),
		Group:   rec[5]&flagGroup != 0,
		Removed: rec[5]&flagRemoved != 0,
		Name:    tail(rec),
	}
}

// AppendSnapshotBegin appends the mark before a snapshot: what the worker
// believes of this gateway's users and groups is replaced by what follows.
func AppendSnapshotBegin(dst []byte) []byte { return appendBare(dst, KindSnapshotBegin) }

// AppendSnapshotEnd appends the mark after a snapshot. From here on the worker
// is in step with the gateway; seq is the number of the last delta in it.
func AppendSnapshotEnd(dst []byte, seq uint64) []byte {
	return appendNumber(dst, KindSnapshotEnd, seq)
}

// SnapshotEnd returns the number in the current record, which must be of
// KindSnapshotEnd.
func (r *Reader) SnapshotEnd() (seq uint64) {
	return le.Uint64(r.want(KindSnapshotEnd, KindSnapshotEnd)[8:])
}

// AppendDeltaAck appends the worker's word that it knows all deltas up to seq.
func AppendDeltaAck(dst []byte, seq uint64) []byte {
	return appendNumber(dst, KindDeltaAck, seq)
}

// DeltaAck returns the number in the current record, which must be of
// KindDeltaAck.
func (r *Reader) DeltaAck() (seq uint64) {
	return le.Uint64(r.want(KindDeltaAck, KindDeltaAck)[8:])
}

func appendBare(dst []byte, k Kind) []byte {
	dst, _ = extend(dst, k, 0, headerSize, headerSize)
	return dst
}

func appendNumber(dst []byte, k Kind, n uint64) []byte {
	dst, rec := extend(dst, k, 0, numberHead, numberHead)
	le.PutUint64(rec[8:], n)
	return dst
}
