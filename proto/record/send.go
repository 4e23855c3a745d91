package record

// Target says what the targets of a Send are.
type Target uint8

const (
	ToConns  Target = 1 // conn numbers of this gateway
	ToUsers  Target = 2 // names of users
	ToGroups Target = 3 // names of groups
	ToAll    Target = 4 // every conn of this gateway; there are no targets
)

// Class says what becomes of a frame when a conn's queue is full.
type Class uint8

const (
	Must      Class = 1 // the conn is closed, to resync when it comes back
	Droppable Class = 2 // the frame is dropped
	Merge     Class = 3 // the frame takes the place of a queued one with the same Key; else it is as Droppable
)

// Once names a send, so that a gateway that has applied it under this name
// drops a second one. The zero Once is "none" and takes no bytes.
type Once [16]byte

// IsZero reports whether there is no name.
func (o Once) IsZero() bool { return o == Once{} }

// Send puts one frame into the queues of many conns: what a worker writes. A
// Reader returns it as a SendView.
type Send struct {
	N          uint64 // numbered together with commands
	Target     Target
	Class      Class
	WantResult bool // a Result is to come: hit, missed, dropped, offline users
	Once       Once
	Trace      Trace
	Key        string   // of a Merge: 1 to MaxName bytes
	Conns      []uint64 // the targets of ToConns, up to MaxTargets
	Names      []string // the targets of ToUsers and ToGroups, up to MaxTargets
	Exclude    []uint64 // conns that do not get it, up to MaxTargets
	Bodies     []Body   // 1 to MaxBodies

	// ExceptUsers are users whose conns do not get it, up to MaxExceptUsers. Only a
	// gateway with FeatureExceptUsers can read it.
	ExceptUsers []string
}

// Flags of Send. The optional fields follow the fixed ones in this order.
const (
	flagWantResult = 0x01
	flagOnce       = 0x02
	// flagTrace is 0x04, as in Message.
	flagExceptUsers = 0x08
)

// sendHead: N u64, target u8, class u8, bodies u8, zero u8, key u16, zero u16,
// targets u32, excluded u32.
const (
	sendHead = 32
	onceSize = 16
	// exceptSize: excluded users u32, and their bytes u32.
	exceptSize = 8
)

// AppendSend appends s to dst. When a bound is exceeded or s contradicts
// itself it returns dst as it was, and an error. The record may be refused as
// above MaxRecord although each part is within its bounds: split the targets.
func AppendSend(dst []byte, s *Send) ([]byte, error) {
	size, err := s.check()
	if err != nil {
		return dst, err
	}
	head, flags := sendHead, flagIf(s.WantResult, flagWantResult)
	if !s.Once.IsZero() {
		head, flags = head+onceSize, flags|flagOnce
	}
	if !s.Trace.IsZero() {
		head, flags = head+traceSize, flags|flagTrace
	}
	if len(s.ExceptUsers) > 0 {
		head, flags = head+exceptSize, flags|flagExceptUsers
	}
	n := len(dst)
	dst, rec := extend(dst, KindSend, flags, head, head+size)
	le.PutUint64(rec[8:], s.N)
	le.PutUint64(rec[16:], uint64(s.Target)|uint64(s.Class)<<8|uint64(len(s.Bodies))<<16|uint64(len(s.Key))<<32)
	le.PutUint32(rec[24:], uint32(len(s.Conns)+len(s.Names)))
	le.PutUint32(rec[28:], uint32(len(s.Exclude)))
	tail := dst[:n+sendHead]
	if flags&flagOnce != 0 {
		tail = append(tail, s.Once[:]...)
	}
	if flags&flagTrace != 0 {
		tail = append(tail, s.Trace[:]...)
	}
	if flags&flagExceptUsers != 0 {
		tail = le.AppendUint32(tail, uint32(len(s.ExceptUsers)))
		tail = le.AppendUint32(tail, uint32(namesSize(s.ExceptUsers)))
	}
	tail = append(tail, s.Key...)
	for _, c := range s.Exclude {
		tail = le.AppendUint64(tail, c)
	}
	for _, b := range s.Bodies {
		tail = appendItem(tail, b)
	}
	for _, c := range s.Conns {
		tail = le.AppendUint64(tail, c)
	}
	return appendNames(appendNames(tail, s.Names), s.ExceptUsers), nil
}

func appendNames(dst []byte, names []string) []byte {
	for _, name := range names {
		dst = le.AppendUint16(dst, uint16(len(name)))
		dst = append(dst, name...)
	}
	return dst
}

// namesSize returns the bytes that appendNames appends.
func namesSize(names []string) (size int) {
	for _, name := range names {
		size += 2 + len(name)
	}
	return size
}

// check returns the bytes behind the head, or what is wrong.
func (s *Send) check() (int, error) {
	what, err := checkSendShape(s.Target, s.Class, len(s.Bodies), len(s.Key), len(s.Conns)+len(s.Names), len(s.Exclude))
	if err != nil {
		return 0, refuse(KindSend, what, err)
	}
	if (s.Target != ToConns && len(s.Conns) > 0) || (s.Target == ToConns && len(s.Names) > 0) {
		return 0, refuse(KindSend, "targets", ErrMalformed)
	}
	size := len(s.Key) + 8*len(s.Exclude) + 8*len(s.Conns)
	for i := range s.Bodies {
		if len(s.Bodies[i].Payload) > MaxPayload {
			return 0, refuse(KindSend, "payload", ErrTooLarge)
		}
		if len(s.Bodies[i].Subprotocol) > MaxSubprotocol {
			return 0, refuse(KindSend, "subprotocol", ErrTooLarge)
		}
		size += itemSize + len(s.Bodies[i].Subprotocol) + len(s.Bodies[i].Payload)
	}
	for _, name := range s.Names {
		if err := checkNameSize(len(name)); err != nil {
			return 0, refuse(KindSend, "name", err)
		}
	}
	if len(s.ExceptUsers) > MaxExceptUsers {
		return 0, refuse(KindSend, "except users", ErrTooLarge)
	}
	for _, name := range s.ExceptUsers {
		if err := checkNameSize(len(name)); err != nil {
			return 0, refuse(KindSend, "except users", err)
		}
	}
	size += namesSize(s.Names) + namesSize(s.ExceptUsers)
	if size > MaxRecord-sendHead-onceSize-traceSize-exceptSize {
		return 0, refuse(KindSend, "length", ErrTooLarge)
	}
	return size, nil
}

// checkSendShape holds the rules that writer and reader share.
func checkSendShape(t Target, c Class, bodies, key, targets, exclude int) (string, error) {
	switch {
	case t < ToConns || t > ToAll:
		return "target", ErrMalformed
	case c < Must || c > Merge:
		return "class", ErrMalformed
	case bodies < 1:
		return "bodies", ErrMalformed
	case bodies > MaxBodies:
		return "bodies", ErrTooLarge
	case key > MaxName:
		return "key", ErrTooLarge
	case c == Merge && key == 0:
		return "key", ErrMalformed
	case targets > MaxTargets:
		return "targets", ErrTooLarge
	case t == ToAll && targets > 0:
		return "targets", ErrMalformed
	case exclude > MaxTargets:
		return "exclude", ErrTooLarge
	}
	return "", nil
}
