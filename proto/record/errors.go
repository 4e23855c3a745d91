package record

import (
	"errors"
	"strconv"
)

// What is wrong with a record. Test with errors.Is.
var (
	// ErrTruncated: the bytes end before the record does.
	ErrTruncated = errors.New("truncated")
	// ErrMalformed: the bytes are there and contradict each other.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: a bound of this package is exceeded.
	ErrTooLarge = errors.New("too large")
)

// Error is what Reader.Err and the appenders return.
type Error struct {
	Kind   Kind   // the record's kind, 0 if that could not be read
	Offset int    // where the record begins in the batch; 0 from an appender
	What   string // the field at fault
	Err    error  // ErrTruncated, ErrMalformed or ErrTooLarge
}

func (e *Error) Error() string {
	s := "record"
	if e.Kind != 0 {
		s = e.Kind.String()
	}
	return s + " at byte " + strconv.Itoa(e.Offset) + ": " + e.What + ": " + e.Err.Error()
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// refuse is the error of an appender.
func refuse(k Kind, what string, err error) error {
	return &Error{Kind: k, What: what, Err: err}
}
