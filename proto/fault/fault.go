package fault

import (
	"context"
	"errors"
	"time"
)

// Fault is an error with a code and a message for the client. It is immutable.
type Fault struct {
	code       Code
	message    string
	cause      error
	retryAfter time.Duration
}

// New makes a fault whose message the client may read. An empty message becomes
// the code's own.
func New(code Code, message string) *Fault {
	if message == "" {
		message = code.row().message
	}
	return &Fault{code: code, message: message}
}

// Wrap gives err a code. The client reads the code's own message, or that of a
// Fault inside err, and its RetryAfter; err itself is for the log. A nil err
// stays nil.
func Wrap(code Code, err error) error {
	if err == nil {
		return nil
	}
	f := New(code, "").Because(err)
	var inner *Fault
	if errors.As(err, &inner) {
		f.message, f.retryAfter = inner.message, inner.retryAfter
	}
	return f
}

// Because returns the fault with a cause: for the log, and for errors.Is and
// errors.As. The client does not read it.
func (f *Fault) Because(cause error) *Fault {
	g := *f
	g.cause = cause
	return &g
}

// After returns the fault with the time after which to try again.
func (f *Fault) After(d time.Duration) *Fault {
	g := *f
	g.retryAfter = d
	return &g
}

// Error is for the log: message and cause.
func (f *Fault) Error() string {
	if f.cause != nil {
		return f.message + ": " + f.cause.Error()
	}
	return f.message
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Is makes errors.Is(err, fault.NotFound) and errors.Is(err, fault.New(code, ""))
// compare codes.
func (f *Fault) Is(target error) bool {
	switch t := target.(type) {
	case Code:
		return t == f.code
	case *Fault:
		return t.code == f.code && t.cause == nil
	}
	return false
}

// Code returns the code.
func (f *Fault) Code() Code { return f.code }

// Message is what the client may read.
func (f *Fault) Message() string { return f.message }

// RetryAfter is when to try again; 0 says nothing about it.
func (f *Fault) RetryAfter() time.Duration { return f.retryAfter }

// CodeOf returns the code of err: that of the outermost Fault or Code in it,
// DeadlineExceeded or Unavailable for a context's end, Internal for everything
// else. Of nil it must not be asked.
func CodeOf(err error) Code { return Of(err).code }

// Of returns what a client may be told of err, which must not be nil. The
// cause of what it makes up is err.
func Of(err error) *Fault {
	var f *Fault
	var c Code
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &c):
	case errors.Is(err, context.DeadlineExceeded):
		c = DeadlineExceeded
	case errors.Is(err, context.Canceled):
		c = Unavailable
	default:
		c = Internal
	}
	return New(c, "").Because(err)
}
