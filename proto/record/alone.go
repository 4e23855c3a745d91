package record

// flagOver says that an Alone ends what another has begun.
const flagOver = 0x01

const aloneHead = 32 // n u64, conn u64, term u32, seq u32

// Alone is a worker's word, to all its gateways, that it is about to handle one event
// while no other handler runs, or that this is over. Each gateway answers the begin with
// AloneNoted before the handler is called.
type Alone struct {
	N    uint64 // of the run, rising within a worker boot; both words of a run bear it
	Conn uint64 // 0: the event is of another gateway
	Term uint32 // of the event, as in its Message, Open or Closed; 0 without Conn
	Seq  uint32
	Over bool // it has ended, or its time has; else it begins
}

// AppendAlone appends v to dst.
func AppendAlone(dst []byte, v Alone) []byte {
	dst, rec := extend(dst, KindAlone, flagIf(v.Over, flagOver), aloneHead, aloneHead)
	le.PutUint64(rec[8:], v.N)
	le.PutUint64(rec[16:], v.Conn)
	le.PutUint32(rec[24:], v.Term)
	le.PutUint32(rec[28:], v.Seq)
	return dst
}

// Alone returns the current record, which must be of KindAlone.
func (r *Reader) Alone() Alone {
	rec := r.want(KindAlone, KindAlone)
	return Alone{
		N:    le.Uint64(rec[8:]),
		Conn: le.Uint64(rec[16:]),
		Term: le.Uint32(rec[24:]),
		Seq:  le.Uint32(rec[28:]),
		Over: rec[5]&flagOver != 0,
	}
}

// AppendAloneNoted appends the answer to the Alone of run n that begins.
func AppendAloneNoted(dst []byte, n uint64) []byte { return appendNumber(dst, KindAloneNoted, n) }

// AloneNoted returns the number in the current record, which must be of KindAloneNoted.
func (r *Reader) AloneNoted() (n uint64) {
	return le.Uint64(r.want(KindAloneNoted, KindAloneNoted)[8:])
}
