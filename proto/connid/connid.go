package connid

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// ID names one conn. The zero ID names none; both halves of every other are
// not zero.
type ID struct {
	Gateway uint64 // the boot id of the gateway process that holds the conn
	Conn    uint64 // the conn's number there
}

// Size is the length of the text form.
const Size = 22

// ErrInvalid is the error of Parse and of the Unmarshal methods.
var ErrInvalid = errors.New("not a connection id")

// text is strict, so that no two texts mean one ID.
var text = base64.RawURLEncoding.Strict()

// Random returns an ID for a new conn of the gateway with this boot.
func Random(boot uint64) ID {
	for {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails: it ends the process if the system has no randomness
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return ID{Gateway: boot, Conn: n}
		}
	}
}

// IsZero reports whether the ID names no conn.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the text form: the 16 bytes of both halves, most significant
// byte first, in base64url without padding. Of the zero ID it is "".
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	var b [Size]byte
	return string(id.append(b[:0]))
}

func (id ID) append(dst []byte) []byte {
	b := id.bytes()
	return text.AppendEncode(dst, b[:])
}

func (id ID) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], id.Gateway)
	binary.BigEndian.PutUint64(b[8:], id.Conn)
	return b
}

// Parse reads the text form. The error wraps ErrInvalid; "" is invalid too:
// whoever sends it meant a conn.
func Parse(s string) (ID, error) {
	if len(s) != Size {
		return ID{}, fmt.Errorf("%w: %d characters, want %d", ErrInvalid, len(s), Size)
	}
	var b [16]byte
	if n, err := text.Decode(b[:], []byte(s)); err != nil || n != len(b) {
		return ID{}, fmt.Errorf("%w: not base64url", ErrInvalid)
	}
	id := ID{Gateway: binary.BigEndian.Uint64(b[:8]), Conn: binary.BigEndian.Uint64(b[8:])}
	if id.Gateway == 0 || id.Conn == 0 {
		return ID{}, fmt.Errorf("%w: a half is zero", ErrInvalid)
	}
	return id, nil
}

// Number returns a number for protocols that name a conn by one: positive,
// below 2^53 so that JavaScript keeps it, the same on every worker, and 0 for
// the zero ID. It is a hash: it tells nothing about the ID and does not lead
// back to it. Two of a million conns share one with a chance of 1 in 18,000,
// so show it to people and do not address anybody by it.
func (id ID) Number() int64 {
	if id.IsZero() {
		return 0
	}
	b := id.bytes()
	sum := sha256.Sum256(b[:])
	n := int64(binary.BigEndian.Uint64(sum[:8]) >> 11)
	return max(n, 1)
}

// AppendText implements encoding.TextAppender: the text form, nothing for the
// zero ID.
func (id ID) AppendText(dst []byte) ([]byte, error) {
	if id.IsZero() {
		return dst, nil
	}
	return id.append(dst), nil
}

// MarshalText implements encoding.TextMarshaler, and with it JSON: the text
// form as a string, "" for the zero ID.
func (id ID) MarshalText() ([]byte, error) { return id.AppendText(nil) }

// UnmarshalText implements encoding.TextUnmarshaler: like Parse, but "" is the
// zero ID.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	v, err := Parse(string(b))
	if err == nil {
		*id = v
	}
	return err
}
