package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// maxParams bounds the params of a call, as a gateway bounds its frames; paramsTime how
// long they may take to come.
const (
	maxParams  = 64 << 10
	paramsTime = 10 * time.Second
)

var (
	errSlow  = statusError{http.StatusRequestTimeout, fault.New(fault.DeadlineExceeded, "the request came too slowly")}
	errMedia = statusError{http.StatusUnsupportedMediaType, fault.New(fault.Invalid, "params come as application/json")}
)

// wantJSON refuses what a form of any page could send without being asked first.
func wantJSON(r *http.Request) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errMedia
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return errMedia
	}
	if r.Header.Get("Content-Encoding") != "" {
		return errMedia
	}
	return nil
}

// readBody reads the body of a call, so many bytes at most.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	within(w, paramsTime)
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		return nil, bodyError(err, most)
	}
	within(w, 0)
	return b, nil
}

// within is how long the body may take from now on; 0: as long as it likes. Where a conn
// knows no deadlines there is none.
func within(w http.ResponseWriter, d time.Duration) {
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	_ = http.NewResponseController(w).SetReadDeadline(end)
}

// bodyError says what was wrong with a body.
func bodyError(err error, most int64) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fault.New(fault.TooLarge, "more than "+bytesOf(most))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	}
	return fault.New(fault.Malformed, "the request is cut").Because(err)
}

// bytesOf writes a size for people.
func bytesOf(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
