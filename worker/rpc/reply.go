package rpc

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// replyResult appends the reply to a call that went well.
func replyResult(dst []byte, id json.RawMessage, result []byte) []byte {
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"result":`...)
	dst = append(dst, result...)
	return append(dst, '}')
}

// errorObject is the error of a reply.
type errorObject struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    struct {
		Reason       string `json:"reason"`
		Temporary    bool   `json:"temporary"`
		RetryAfterMs int64  `json:"retryAfterMs,omitempty"`
	} `json:"data"`
}

// replyError appends the reply to a call that did not.
func replyError(dst []byte, id json.RawMessage, err error) []byte {
	var o errorObject
	var own *wrong
	if errors.As(err, &own) {
		o.Code, o.Message, o.Data.Reason = own.code, own.message, fault.Invalid.String()
	} else {
		f := fault.Of(err)
		o.Code, o.Message = f.Code().JSONRPC(), f.Message()
		o.Data.Reason, o.Data.Temporary = f.Code().String(), f.Code().Temporary()
		o.Data.RetryAfterMs = f.RetryAfter().Milliseconds()
	}
	b, err := json.Marshal(&o)
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	dst = append(dst, `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"error":`...)
	dst = append(dst, b...)
	return append(dst, '}')
}

// Notification makes the frame that tells a client something it did not ask for:
// {"jsonrpc":"2.0","method":…,"params":…}. When params have no JSON the call that
// sends the frame returns the error.
func Notification(method string, params any) worker.Frame {
	p := worker.JSON(params)
	if p.Err() != nil {
		return p
	}
	name, err := json.Marshal(method)
	if err != nil {
		panic(err) // a string has JSON
	}
	b := append([]byte(`{"jsonrpc":"2.0","method":`), name...)
	b = append(b, `,"params":`...)
	b = append(b, compact(p.Payload())...)
	return worker.Text(append(b, '}'))
}

// compact takes the spaces out of JSON: protobuf's encoder puts in some at random, so
// that nobody relies on them.
func compact(b []byte) []byte {
	var out bytes.Buffer
	out.Grow(len(b))
	if err := json.Compact(&out, b); err != nil {
		return b // it has just been encoded
	}
	return out.Bytes()
}
