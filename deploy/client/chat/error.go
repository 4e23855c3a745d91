package chatclient

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// Error is what a call ended with, in place of an answer.
type Error struct {
	Code       fault.Code
	Reason     string // as it came; a newer server may have more than Code knows
	Message    string
	Temporary  bool // the same request may succeed later
	RetryAfter time.Duration
	// Unanswered says that the client made this error because nobody answered: what
	// was asked for may have happened.
	Unanswered bool
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Message) }

// Is makes errors.Is(err, fault.Conflict) compare codes.
func (e *Error) Is(target error) bool {
	code, ok := target.(fault.Code)
	return ok && code == e.Code
}

// wireError is the error of an answer.
type wireError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Reason       string `json:"reason"`
		Temporary    bool   `json:"temporary"`
		RetryAfterMs int64  `json:"retryAfterMs"`
	} `json:"data"`
}

// maxRetryAfter bounds what a server may ask a client to wait.
const maxRetryAfter = 10 * time.Minute

func (w *wireError) error() *Error {
	code, known := fault.FromReason(w.Data.Reason)
	if !known {
		code, _ = fault.FromJSONRPC(w.Code)
	}
	return &Error{
		Code: code, Reason: w.Data.Reason, Message: w.Message, Temporary: w.Data.Temporary,
		RetryAfter: min(max(time.Duration(w.Data.RetryAfterMs)*time.Millisecond, 0), maxRetryAfter),
	}
}

func unanswered(code fault.Code, message string) *Error {
	return &Error{Code: code, Reason: code.String(), Message: message, Temporary: true, Unanswered: true}
}

var (
	errLost    = unanswered(fault.Unavailable, "the conn was lost before the answer came")
	errTimeout = unanswered(fault.DeadlineExceeded, "no answer in time")
)

// ErrOutboxFull is what Send returns when too many sends wait for an answer.
var ErrOutboxFull = errors.New("too many sends wait for an answer")

// EndedError is what Run returns when the server has ended it for good. Calls and
// sends that wait end with it too.
type EndedError struct {
	Code   fault.CloseCode // of the close frame; 0: it was no close frame
	Reason string
	Cause  error // what was answered to openSession, a sign-in or the handshake; may be nil
}

func (e *EndedError) Error() string {
	switch {
	case e.Cause != nil:
		return fmt.Sprintf("ended for good: %v", e.Cause)
	case e.Code == 0:
		return "ended for good: " + e.Reason
	}
	return fmt.Sprintf("ended for good: closed with %v %q", e.Code, e.Reason)
}

// Unwrap returns the cause.
func (e *EndedError) Unwrap() error { return e.Cause }

// final reports whether asking again is of no use. What is no *Error is a mistake of
// this side: a message that has no JSON.
func final(err error) bool {
	var e *Error
	return !errors.As(err, &e) || !e.Temporary
}

// retryAfter is what the server asked for.
func retryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
