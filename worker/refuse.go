package worker

import (
	"fmt"
	"net/http"
	"time"
)

// Refusal is the error with which OnOpen turns a client away before its
// handshake is answered. The client sees a plain HTTP response.
type Refusal struct {
	Status     int           // 400 to 599
	Reason     string        // the body, plain text; the client reads it
	RetryAfter time.Duration // becomes Retry-After, rounded up to seconds; 0: none
	Header     http.Header   // further headers of the response, nil: none; what is no header is left out
}

// Refuse returns an error that makes OnOpen turn the client away. A status that
// is not from 400 to 599 is sent as 500.
func Refuse(status int, reason string) error {
	return &Refusal{Status: status, Reason: reason}
}

// Error describes the refusal for a log.
func (r *Refusal) Error() string { return fmt.Sprintf("refused with %d: %s", r.Status, r.Reason) }
