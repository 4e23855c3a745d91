package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// errInternal is what people hear of mistakes of ours.
var errInternal = fault.New(fault.Internal, "")

// errorBody is the body of an answer that is an error.
type errorBody struct {
	Error struct {
		Reason       string `json:"reason"`
		Message      string `json:"message"`
		Temporary    bool   `json:"temporary"`
		RetryAfterMs int64  `json:"retryAfterMs,omitempty"`
	} `json:"error"`
}

// statusError is an error with a status of HTTP that its code has not.
type statusError struct {
	status int
	error
}

// Unwrap returns the fault.
func (e statusError) Unwrap() error { return e.error }

// answer sends JSON.
func answer(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs none
}

// refuse answers with an error. What has no code is a mistake of ours: it is logged, and
// people hear that much only.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	status := f.Code().HTTP()
	var other statusError
	switch {
	case errors.As(err, &other):
		status = other.status
	case context.Cause(r.Context()) == errLeaving: //nolint:errorlint // that very one
		f = errLeaving
		status = f.Code().HTTP()
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody listens
	}
	if f.Code() == fault.Internal && !errors.Is(err, errInternal) {
		a.log.Error("request failed", "path", r.Pattern, "err", err)
	}
	var body errorBody
	body.Error.Reason, body.Error.Message = f.Code().String(), f.Message()
	body.Error.Temporary, body.Error.RetryAfterMs = f.Code().Temporary(), f.RetryAfter().Milliseconds()
	if d := f.RetryAfter(); d > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10))
	}
	if f.Code() == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	b, _ := json.Marshal(body) // strings and numbers
	answer(w, status, b)
}

// The answers to what is too much at the moment.
var (
	errCalls   = fault.New(fault.Overloaded, "").After(time.Second)
	errUploads = fault.New(fault.Overloaded, "too many pictures at the moment").After(2 * time.Second)
)

// enter takes one of the places in c; false: there is none.
func enter(c chan struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	default:
		return false
	}
}
