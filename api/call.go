package api

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/internal/params"
	"github.com/parley-im/parley/api/internal/workers"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// serveCall is POST /v1/{method}, for every method there is.
func (a *API) serveCall(w http.ResponseWriter, r *http.Request) {
	m := a.methods[r.PathValue("method")]
	if m == nil || m.Access == chatv1.Access_ACCESS_SOCKET {
		a.refuse(w, r, errNoMethod)
		return
	}
	res, err := a.call(w, r, m)
	a.metrics.called(m.Name, err)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, res)
}

// call asks a worker for m and returns the JSON of the answer.
func (a *API) call(w http.ResponseWriter, r *http.Request, m *workers.Method) ([]byte, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, statusError{http.StatusMethodNotAllowed, fault.New(fault.Unimplemented, "methods are called by POST")}
	}
	if err := wantJSON(r); err != nil {
		return nil, err
	}
	ctx := a.outgoing(r, "")
	if m.Access != chatv1.Access_ACCESS_OPEN {
		token, err := bearer(r)
		if err != nil {
			return nil, err
		}
		ctx = a.outgoing(r, token)
	}
	body, err := readBody(w, r, maxParams)
	if err != nil {
		return nil, err
	}
	var req, res proto.Message
	if req, err = m.Decode(body); err != nil {
		return nil, err
	}
	if !enter(a.calls) {
		return nil, errCalls
	}
	defer func() { <-a.calls }()
	if res, err = a.workers.Call(ctx, m, req); err != nil {
		return nil, err
	}
	return params.Encode(res)
}

// outgoing is the context of a call of workers: who asks, and from where.
func (a *API) outgoing(r *http.Request, token string) context.Context {
	pairs := []string{"x-parley-client", a.clientOf(r)}
	if token != "" {
		pairs = append(pairs, "authorization", "Bearer "+token)
	}
	return metadata.NewOutgoingContext(r.Context(), metadata.Pairs(pairs...))
}

var (
	errNoToken = fault.New(fault.Unauthenticated, "no token")
	errToken   = fault.New(fault.Unauthenticated, "the token is not good")
)

// bearer is the token of a request. Whether it is good, workers say; here it only has to
// be one that a header may carry.
func bearer(r *http.Request) (string, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c > '~' {
			return "", errToken
		}
	}
	return token, nil
}
