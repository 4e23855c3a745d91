package record

const beatHead = 24 // token u64, awaiting u64

// Beat is a worker's sign of life.
type Beat struct {
	Token    uint64 // comes back in Granted
	Awaiting uint64 // lowest command number whose Result the worker still waits for; below it the gateway forgets
}

// AppendBeat appends b to dst.
func AppendBeat(dst []byte, b Beat) []byte {
	dst, rec := extend(dst, KindBeat, 0, beatHead, beatHead)
	le.PutUint64(rec[8:], b.Token)
	le.PutUint64(rec[16:], b.Awaiting)
	return dst
}

// Beat returns the current record, which must be of KindBeat.
func (r *Reader) Beat() Beat {
	rec := r.want(KindBeat, KindBeat)
	return Beat{Token: le.Uint64(rec[8:]), Awaiting: le.Uint64(rec[16:])}
}

// AppendGranted appends the answer to the Beat with this token.
func AppendGranted(dst []byte, token uint64) []byte {
	return appendNumber(dst, KindGranted, token)
}

// Granted returns the token in the current record, which must be of
// KindGranted.
func (r *Reader) Granted() (token uint64) {
	return le.Uint64(r.want(KindGranted, KindGranted)[8:])
}

// AppendLeaving appends the gateway's word that it drains: no new conns come
// from it.
func AppendLeaving(dst []byte) []byte { return appendBare(dst, KindLeaving) }

// AppendDraining appends the worker's word that it drains: it takes no new
// conns, and those it has should move.
func AppendDraining(dst []byte) []byte { return appendBare(dst, KindDraining) }

// AppendDrained appends the gateway's answer to Draining: no conn of it is the
// worker's any more.
func AppendDrained(dst []byte) []byte { return appendBare(dst, KindDrained) }
