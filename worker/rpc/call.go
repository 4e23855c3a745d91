package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
)

// The bounds of a frame.
const (
	MaxBatch = 50  // calls of a batch
	MaxDepth = 64  // objects and arrays within each other
	maxID    = 256 // bytes of an id, as JSON

	// maxReply leaves room in a frame for an error to each call of a batch.
	maxReply = record.MaxPayload - 32<<10
)

// The codes that JSON-RPC has for frames that are no calls.
const (
	codeParse   = -32700
	codeInvalid = -32600
)

// call is one call of a frame.
type call struct {
	id     json.RawMessage // as it came; nil: a notification
	method string
	params json.RawMessage
	bad    error // it is no call
}

// wrong is an error of the router's own.
type wrong struct {
	code    int
	message string
}

func (w *wrong) Error() string { return w.message }

var (
	null      = json.RawMessage("null")
	errJSON   = &wrong{codeParse, "not JSON"}
	errDeep   = &wrong{codeParse, fmt.Sprintf("nested deeper than %d", MaxDepth)}
	errBinary = &wrong{codeInvalid, "calls come in text frames"}
	errEmpty  = &wrong{codeInvalid, "an empty batch"}
	errMany   = &wrong{codeInvalid, fmt.Sprintf("a batch has at most %d calls", MaxBatch)}
	errObject = &wrong{codeInvalid, "a call is an object"}
	errVer    = &wrong{codeInvalid, `"jsonrpc" must be "2.0"`}
	errMethod = &wrong{codeInvalid, `"method" must be a string`}
	errParams = &wrong{codeInvalid, `"params" must be an object`}
	errID     = &wrong{codeInvalid, fmt.Sprintf(`"id" must be a string or a number, of at most %d bytes`, maxID)}
)

// errFull is about calls that other calls of their batch leave no room to answer.
var errFull = fault.New(fault.Overloaded, "the answers to the calls before fill a frame: ask again")

// parse splits a frame into calls. bad concerns the frame as a whole.
func parse(frame []byte) (calls []call, batch bool, bad error) {
	if tooDeep(frame) {
		return nil, false, errDeep
	}
	if !json.Valid(frame) {
		return nil, false, errJSON
	}
	frame = bytes.TrimLeft(frame, " \t\r\n")
	if frame[0] != '[' {
		return []call{parseCall(frame)}, false, nil
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(frame, &parts); err != nil {
		return nil, true, errJSON
	}
	switch {
	case len(parts) == 0:
		return nil, true, errEmpty
	case len(parts) > MaxBatch:
		return nil, true, errMany
	}
	calls = make([]call, len(parts))
	for i, part := range parts {
		calls[i] = parseCall(part)
	}
	return calls, true, nil
}

// parseCall reads one call from valid JSON.
func parseCall(b []byte) call {
	if b[0] != '{' {
		return call{id: null, bad: errObject}
	}
	var c call
	var version, method json.RawMessage
	for name, value := range members(b) {
		switch name {
		case "jsonrpc":
			version = value
		case "id":
			c.id = value
		case "method":
			method = value
		case "params":
			c.params = value
		}
	}
	switch {
	case !goodID(c.id):
		c.id, c.bad = null, errID
	case string(version) != `"2.0"`:
		c.bad = errVer
	case len(method) == 0 || method[0] != '"':
		c.bad = errMethod
	case len(c.params) > 0 && c.params[0] != '{' && string(c.params) != "null":
		c.bad = errParams
		if c.params[0] == '[' {
			c.bad = fault.New(fault.Invalid, "params are given by name")
		}
	default:
		c.method = nameOf(method)
	}
	if c.bad != nil && c.id == nil {
		c.id = null // what is no call cannot be a notification either
	}
	return c
}

// goodID reports whether an id is absent, null, a string or a number.
func goodID(id json.RawMessage) bool {
	if len(id) == 0 {
		return true
	}
	if len(id) > maxID {
		return false
	}
	return id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9' || string(id) == "null"
}

// tooDeep reports whether b opens more objects and arrays within each other than
// may be, before anything that recurses looks at it.
func tooDeep(b []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
