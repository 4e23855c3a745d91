package record

// flagLoad says that a Beat tells the load.
const flagLoad = 0x01

const (
	beatHead = 24 // token u64, awaiting u64
	loadSize = 4  // load u32, with flagLoad
)

// Beat is a worker's sign of life.
type Beat struct {
	Token    uint64 // comes back in Granted
	Awaiting uint64 // lowest command number whose Result the worker still waits for; below it the gateway forgets
	HasLoad  bool   // it tells its load; a worker may leave that out
	Load     uint32 // conns, of all gateways, whose events are handled or wait to be; 0 unless HasLoad
}

// AppendBeat appends b to dst.
func AppendBeat(dst []byte, b Beat) []byte {
	head := beatHead
	if b.HasLoad {
		head += loadSize
	}
	dst, rec := extend(dst, KindBeat, flagIf(b.HasLoad, flagLoad), head, head)
	le.PutUint64(rec[8:], b.Token)
	le.PutUint64(rec[16:], b.Awaiting)
	if b.HasLoad {
		le.PutUint32(rec[beatHead:], b.Load)
	}
	return dst
}

func checkBeat(rec []byte, head int) (string, error) {
	if rec[5]&flagLoad != 0 && head < beatHead+loadSize {
		return "load", ErrMalformed
	}
	return checkEmpty(rec, head)
}

// Beat returns the current record, which must be of KindBeat.
func (r *Reader) Beat() Beat {
	rec := r.want(KindBeat, KindBeat)
	b := Beat{Token: le.Uint64(rec[8:]), Awaiting: le.Uint64(rec[16:]), HasLoad: rec[5]&flagLoad != 0}
	if b.HasLoad {
		b.Load = le.Uint32(rec[beatHead:])
	}
	return b
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

// AppendDrain appends somebody's wish, passed on by the gateway, that the worker drain as
// on SIGTERM. It goes to workers with FeatureDrain only.
func AppendDrain(dst []byte) []byte { return appendBare(dst, KindDrain) }
