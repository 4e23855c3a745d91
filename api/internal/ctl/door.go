package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 64 << 20

// Door is an api, and the key that opens it. Its methods may be called by several
// goroutines.
type Door struct {
	base    string // without a slash at its end
	key     string
	timeout time.Duration // of a question
	http    *http.Client
}

// maxTimeout is for how long an api lets itself be asked.
const maxTimeout = 30 * time.Second

// NewDoor makes one of an address (http://10.0.0.31:8080, or host:port) and a key, and of
// how long a question may take. Nothing is dialled.
func NewDoor(api, key string, timeout time.Duration) (*Door, error) {
	base, err := parseAPI(api)
	if err != nil {
		return nil, err
	}
	if timeout <= 0 || timeout > maxTimeout {
		return nil, WrongUsage("--timeout: above 0s and %v at most, not %v", maxTimeout, timeout)
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	return &Door{base: base, key: key, timeout: timeout, http: &http.Client{
		Transport: transport,
		// Another address might be another's: the key does not go there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// parseAPI reads the address of an api.
func parseAPI(api string) (string, error) {
	text := api
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", WrongUsage("--api: %s is no address of an api: http://HOST:8080", shown(api))
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", WrongUsage("--api: an address has nothing but a host, a port and a path: the key goes into a file, --key-file")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// grace is how much longer than its own deadline an api is waited for: what it says of
// gateways that did not answer is worth it.
const grace = 3 * time.Second

// Close ends what is kept open for the next call.
func (d *Door) Close() { d.http.CloseIdleConnections() }

// call asks the api. A key that asks too often waits, until ctx ends: nothing was done yet.
func (d *Door) call(ctx context.Context, method string, req, res proto.Message) error {
	body, err := protojson.Marshal(req)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		err := d.once(ctx, method, body, res)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code() != fault.RateLimited {
			return err
		}
		select {
		case <-time.After(max(f.RetryAfter(), 50*time.Millisecond)):
		case <-ctx.Done():
			return err
		}
	}
}

func (d *Door) once(ctx context.Context, method string, body []byte, res proto.Message) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.timeout+grace, &unreachable{d.base, fmt.Errorf("nothing came within %v", d.timeout)})
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+"/push/v1/"+method, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+d.key)
	r.Header.Set("Parley-Timeout-Ms", strconv.FormatInt(d.timeout.Milliseconds(), 10))
	answer, err := d.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var detail *url.Error // it says the address once more
		if errors.As(err, &detail) {
			err = detail.Err
		}
		return &unreachable{api: d.base, err: err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return &unreachable{api: d.base, err: err}
	case len(text) > maxAnswer:
		return fmt.Errorf("the answer of %s has more than %d bytes", d.base, maxAnswer)
	case answer.StatusCode != http.StatusOK:
		return refusal(d.base, answer, text)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, res); err != nil {
		return &stranger{api: d.base, why: "its answer cannot be read"}
	}
	return nil
}

// refusal is what an answer says that is not 200.
func refusal(api string, answer *http.Response, text []byte) error {
	var body struct {
		Error struct {
			Reason       string `json:"reason"`
			Message      string `json:"message"`
			RetryAfterMs int64  `json:"retryAfterMs"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &body) != nil || body.Error.Reason == "" {
		return &stranger{api: api, why: "it answers " + answer.Status}
	}
	code, ok := fault.FromReason(body.Error.Reason)
	if !ok {
		code = codeOfStatus(answer.StatusCode)
	}
	return fault.New(code, body.Error.Message).After(time.Duration(body.Error.RetryAfterMs) * time.Millisecond)
}

// codeOfStatus is that of a reason that a newer api says.
func codeOfStatus(status int) fault.Code {
	for _, c := range fault.Codes() {
		if c.HTTP() == status {
			return c
		}
	}
	return fault.Internal
}
