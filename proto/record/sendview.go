package record

import "iter"

// SendView is a Send as it lies in the batch. All it returns points into the
// batch; nothing is allocated.
type SendView struct {
	N          uint64
	Target     Target
	Class      Class
	WantResult bool
	Once       Once
	Trace      Trace
	Key        []byte  // nil without key
	Conns      Numbers // of ToConns
	Names      Names   // of ToUsers and ToGroups
	Exclude    Numbers
	Bodies     Bodies

	ExceptUsers Names
}

// Send returns the current record, which must be of KindSend.
func (r *Reader) Send() (s SendView) {
	rec := r.want(KindSend, KindSend)
	s.N = le.Uint64(rec[8:])
	s.Target = Target(rec[16])
	s.Class = Class(rec[17])
	s.WantResult = rec[5]&flagWantResult != 0
	at := sendHead
	if rec[5]&flagOnce != 0 {
		s.Once = Once(rec[at:])
		at += onceSize
	}
	if rec[5]&flagTrace != 0 {
		s.Trace = Trace(rec[at:])
		at += traceSize
	}
	b := rec[head(rec):]
	if rec[5]&flagExceptUsers != 0 {
		cut := len(b) - int(le.Uint32(rec[at+4:]))
		s.ExceptUsers = Names{b[cut:], int(le.Uint32(rec[at:]))}
		b = b[:cut:cut]
	}
	if n := int(le.Uint16(rec[20:])); n > 0 {
		s.Key, b = b[:n:n], b[n:]
	}
	n := 8 * int(le.Uint32(rec[28:]))
	s.Exclude, b = Numbers{b[:n]}, b[n:]
	bodies := b
	for range rec[18] {
		_, b = cutItem(b)
	}
	s.Bodies = Bodies{bodies[:len(bodies)-len(b)], int(rec[18])}
	if s.Target == ToConns {
		s.Conns = Numbers{b}
	} else {
		s.Names = Names{b, int(le.Uint32(rec[24:]))}
	}
	return s
}

func checkSend(rec []byte, head int) (string, error) {
	optional := 0
	if rec[5]&flagOnce != 0 {
		optional += onceSize
	}
	if rec[5]&flagTrace != 0 {
		optional += traceSize
	}
	var except int // where the count of excluded users stands, 0: there are none
	if rec[5]&flagExceptUsers != 0 {
		except = sendHead + optional
		optional += exceptSize
	}
	if head < sendHead+optional {
		return "head", ErrMalformed
	}
	if except != 0 {
		cut, err := checkExceptUsers(rec, head, le.Uint32(rec[except:]), le.Uint32(rec[except+4:]))
		if err != nil {
			return "except users", err
		}
		rec = rec[:cut]
	}
	// Checked before they are ints: a huge u32 is negative on 32 bits.
	targets, exclude := le.Uint32(rec[24:]), le.Uint32(rec[28:])
	if targets > MaxTargets {
		return "targets", ErrTooLarge
	}
	if exclude > MaxTargets {
		return "exclude", ErrTooLarge
	}
	target, bodies, key := Target(rec[16]), int(rec[18]), int(le.Uint16(rec[20:]))
	if what, err := checkSendShape(target, Class(rec[17]), bodies, key, int(targets), int(exclude)); err != nil {
		return what, err
	}
	b := rec[head:]
	if len(b) < key+8*int(exclude) {
		return "exclude", ErrTruncated
	}
	b = b[key+8*int(exclude):]
	for range bodies {
		n, err := checkItem(b)
		if err != nil {
			return "bodies", err
		}
		b = b[n:]
	}
	if target == ToConns {
		if len(b) != 8*int(targets) {
			return "targets", ErrMalformed
		}
		return "", nil
	}
	rest, what, err := checkNames(b, int(targets))
	if err != nil {
		return what, err
	}
	if len(rest) > 0 {
		return "targets", ErrMalformed
	}
	return "", nil
}

// checkExceptUsers checks the excluded users, which are the last size bytes of rec, and
// returns where they begin.
func checkExceptUsers(rec []byte, head int, users, size uint32) (cut int, err error) {
	switch {
	case users > MaxExceptUsers:
		return 0, ErrTooLarge
	case users == 0: // the flag is for a record that 1.0 refuses, and it would not this one
		return 0, ErrMalformed
	case uint64(size) > uint64(len(rec)-head):
		return 0, ErrTruncated
	}
	cut = len(rec) - int(size)
	rest, _, err := checkNames(rec[cut:], int(users))
	if err == nil && len(rest) > 0 {
		err = ErrMalformed
	}
	return cut, err
}

// checkNames checks n names and returns what is behind them.
func checkNames(b []byte, n int) (rest []byte, what string, err error) {
	for range n {
		if len(b) < 2 {
			return nil, "targets", ErrTruncated
		}
		size := int(le.Uint16(b))
		if err := checkNameSize(size); err != nil {
			return nil, "name", err
		}
		if len(b) < 2+size {
			return nil, "targets", ErrTruncated
		}
		b = b[2+size:]
	}
	return b, "", nil
}

// Numbers is a list of conn numbers.
type Numbers struct{ b []byte }

// Len returns how many there are.
func (l Numbers) Len() int { return len(l.b) / 8 }

// At returns number i; it panics when there are not so many.
func (l Numbers) At(i int) uint64 { return le.Uint64(l.b[8*i : 8*i+8]) }

// All goes over the numbers in order.
func (l Numbers) All() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for b := l.b; len(b) >= 8; b = b[8:] {
			if !yield(le.Uint64(b)) {
				return
			}
		}
	}
}

// AppendTo appends the numbers to dst: for a caller that needs a slice and
// has one to use again.
func (l Numbers) AppendTo(dst []uint64) []uint64 {
	for b := l.b; len(b) >= 8; b = b[8:] {
		dst = append(dst, le.Uint64(b))
	}
	return dst
}

// Names is a list of users or groups.
type Names struct {
	b []byte
	n int
}

// Len returns how many there are.
func (l Names) Len() int { return l.n }

// Next cuts the first name off the list; ok is false when there is none.
func (l *Names) Next() (name []byte, ok bool) {
	if len(l.b) <= 2 {
		return nil, false
	}
	n := 2 + int(le.Uint16(l.b))
	name, l.b = l.b[2:n:n], l.b[n:]
	l.n--
	return name, true
}

// All goes over the names in order. A map lookup m[string(name)] does not
// allocate.
func (l Names) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for b := l.b; len(b) > 2; {
			n := 2 + int(le.Uint16(b))
			if !yield(b[2:n:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// Bodies is the list of bodies of a Send.
type Bodies struct {
	b []byte
	n int
}

// Len returns how many there are, 1 to MaxBodies.
func (l Bodies) Len() int { return l.n }

// All goes over the bodies in order.
func (l Bodies) All() iter.Seq[BodyView] {
	return func(yield func(BodyView) bool) {
		for b := l.b; len(b) > 0; {
			var v BodyView
			v, b = cutItem(b)
			if !yield(v) {
				return
			}
		}
	}
}
