package record

import "slices"

// extend makes room for a record of size bytes behind dst, writes its header
// and returns the longer dst and the record in it. The rest of the record is
// not zeroed.
func extend(dst []byte, k Kind, flags byte, head, size int) (longer, rec []byte) {
	n := len(dst)
	dst = slices.Grow(dst, size)[:n+size]
	rec = dst[n:]
	_ = rec[headerSize-1]
	le.PutUint32(rec, uint32(size))
	rec[4] = byte(k)
	rec[5] = flags
	le.PutUint16(rec[6:], uint16(head))
	return dst, rec
}

func flagIf(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func checkEmpty(rec []byte, head int) (string, error) {
	if head != len(rec) {
		return "length", ErrMalformed
	}
	return "", nil
}

func checkBody(rec []byte, head int) (string, error) {
	if len(rec)-head > MaxBody {
		return "body", ErrTooLarge
	}
	return "", nil
}

func checkName(rec []byte, head int) (string, error) {
	return "name", checkNameSize(len(rec) - head)
}

func checkNameSize(n int) error {
	switch {
	case n == 0:
		return ErrMalformed
	case n > MaxName:
		return ErrTooLarge
	}
	return nil
}
