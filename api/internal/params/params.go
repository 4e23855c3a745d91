// Package params reads what a call over HTTP says, which is JSON, and writes its answer.
package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/rpc"
)

// The answers to params that are none, as a conn gives them too.
var (
	errJSON   = fault.New(fault.Malformed, "not JSON")
	errDeep   = fault.New(fault.Malformed, fmt.Sprintf("nested deeper than %d", rpc.MaxDepth))
	errParams = fault.New(fault.Invalid, "params: not what is wanted")
)

// Decode reads params into req: unknown fields are passed over, none at all is a request
// without fields.
func Decode(params []byte, req proto.Message) error {
	if err := decode(params, req, true); err != nil {
		return own(err, errParams)
	}
	return nil
}

// DecodeStrictly is Decode that refuses fields it does not know, and says what is wrong:
// for programs that were written by hand, not for people.
func DecodeStrictly(params []byte, req proto.Message) error {
	err := decode(params, req, false)
	if err == nil {
		return nil
	}
	// Errors of protobuf begin with its name and one of two blanks, at random.
	why := strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0")
	return own(err, fault.New(fault.Invalid, "params: "+why))
}

// own is err if that is one of the above, else otherwise.
func own(err error, otherwise *fault.Fault) error {
	if f := new(fault.Fault); errors.As(err, &f) {
		return err
	}
	return otherwise.Because(err)
}

func decode(params []byte, req proto.Message, lenient bool) error {
	params = bytes.Trim(params, " \t\r\n")
	switch {
	case len(params) == 0, string(params) == "null":
		return nil
	case tooDeep(params):
		return errDeep
	case !json.Valid(params):
		return errJSON
	}
	return protojson.UnmarshalOptions{DiscardUnknown: lenient, RecursionLimit: rpc.MaxDepth}.Unmarshal(params, req)
}

// Encode returns the JSON of a message, always the same for the same one.
func Encode(m proto.Message) ([]byte, error) { return encode(m, protojson.MarshalOptions{}) }

// EncodeWhole is Encode with what is 0, false and empty too, so that a program may rely
// on every number and list.
func EncodeWhole(m proto.Message) ([]byte, error) {
	return encode(m, protojson.MarshalOptions{EmitDefaultValues: true})
}

func encode(m proto.Message, o protojson.MarshalOptions) ([]byte, error) {
	b, err := o.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return out.Bytes(), nil
}

// tooDeep says that b opens more objects and lists within each other than may be, before
// anything that recurses looks at it.
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
			if depth++; depth > rpc.MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
