package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/internal/params"
	pushdoor "github.com/parley-im/parley/api/internal/push"
	"github.com/parley-im/parley/api/openapi"
	"github.com/parley-im/parley/proto/fault"
)

// timeoutHeader says for how many milliseconds a caller wants to wait.
const timeoutHeader = "Parley-Timeout-Ms"

// servePush is POST /push/v1/{method}, for every rpc of PushService.
func (a *API) servePush(w http.ResponseWriter, r *http.Request) {
	var m *pushdoor.Method
	if a.push != nil {
		m = a.push.door.Method(r.PathValue("method"))
	}
	if m == nil {
		a.refuse(w, r, errNoMethod)
		return
	}
	res, err := a.pushCall(w, r, m)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, res)
}

// servePushReference is the description of PushService for programs, where there is one.
func (a *API) servePushReference(w http.ResponseWriter, r *http.Request) {
	if a.push == nil {
		a.refuse(w, r, errNoMethod)
		return
	}
	answer(w, http.StatusOK, openapi.Push)
}

// pushCall calls m and returns the JSON of the answer.
func (a *API) pushCall(w http.ResponseWriter, r *http.Request, m *pushdoor.Method) ([]byte, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, statusError{http.StatusMethodNotAllowed, fault.New(fault.Unimplemented, "methods are called by POST")}
	}
	timeout, err := timeoutOf(r)
	if err != nil {
		return nil, err
	}
	// The server's own bound is for answers that do not wait for gateways.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime + pushdoor.MaxTimeout + writeTime))
	from := pushdoor.Caller{Authorization: r.Header.Get("Authorization"), Client: a.clientOf(r), Timeout: timeout}
	res, err := a.push.door.Call(r.Context(), from, m, func(into any) error {
		if err := wantJSON(r); err != nil {
			return err
		}
		body, err := readBody(w, r, pushdoor.MaxRequest)
		if err != nil {
			return err
		}
		return params.DecodeStrictly(body, into.(proto.Message))
	})
	if err != nil {
		return nil, err
	}
	return params.EncodeWhole(res)
}

// timeoutOf is how long the caller wants to wait, 0 if it does not say.
func timeoutOf(r *http.Request) (time.Duration, error) {
	text := r.Header.Get(timeoutHeader)
	if text == "" {
		return 0, nil
	}
	ms, err := strconv.ParseUint(text, 10, 32)
	if err != nil || ms == 0 {
		return 0, fault.New(fault.Invalid, fmt.Sprintf("%s: %.20q is no number of milliseconds", timeoutHeader, text))
	}
	return min(time.Duration(ms)*time.Millisecond, pushdoor.MaxTimeout), nil
}
