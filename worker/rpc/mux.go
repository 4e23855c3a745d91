package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// Mux knows the methods. Fill it before it serves; then it may serve any number of
// conns at once.
type Mux struct {
	methods map[string]method
	around  []Around
}

// method decodes params, does the work and returns the result's JSON.
type method func(ctx context.Context, params []byte) (result []byte, err error)

// Around is called for every call of a known method; it goes on with next, or
// returns an error in its place. The outermost is the one that was added first.
type Around func(ctx context.Context, method string, next func(context.Context) error) error

// NewMux returns a mux without methods.
func NewMux() *Mux { return &Mux{methods: make(map[string]method)} }

// Handle makes do the method of that name. params become a Req: a struct, or the
// struct of a protobuf message; a call without params gets a zero Req. A nil result
// is null. It panics when the name is taken or empty.
func Handle[Req, Res any](m *Mux, name string, do func(ctx context.Context, req *Req) (*Res, error)) {
	if _, taken := m.methods[name]; taken || name == "" {
		panic(fmt.Sprintf("rpc: the method %q is handled already, or no name", name))
	}
	m.methods[name] = func(ctx context.Context, params []byte) ([]byte, error) {
		req := new(Req)
		if err := decode(params, req); err != nil {
			return nil, err
		}
		res, err := do(ctx, req)
		if err != nil {
			return nil, err
		}
		if res == nil {
			return []byte("null"), nil
		}
		return encode(res)
	}
}

// Around adds a, for what concerns all methods: authentication, rates, times.
func (m *Mux) Around(a Around) { m.around = append(m.around, a) }

// Methods returns the names of the methods, sorted.
func (m *Mux) Methods() []string {
	names := make([]string, 0, len(m.methods))
	for name := range m.methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type connKey struct{}

// Conn returns the conn whose call a method serves; nil outside of [Mux.Serve].
func Conn(ctx context.Context) *worker.Conn {
	c, _ := ctx.Value(connKey{}).(*worker.Conn)
	return c
}

// Serve carries out what a frame calls for and replies with the acknowledgement of
// its event. It returns what the client is not told: errors without a code, to be
// returned by the handler, which logs them.
func (m *Mux) Serve(ctx context.Context, c *worker.Conn, msg worker.Message) error {
	if msg.Binary {
		return c.Reply(worker.Text(replyError(nil, null, errBinary)))
	}
	reply, err := m.Answer(context.WithValue(ctx, connKey{}, c), msg.Payload)
	if reply != nil {
		err = errors.Join(err, c.Reply(worker.Text(reply)))
	}
	return err
}

// Answer carries out what a frame calls for and returns the reply, nil when there is
// nothing to reply. err is what the client is not told.
func (m *Mux) Answer(ctx context.Context, frame []byte) (reply []byte, err error) {
	calls, batch, bad := parse(frame)
	if bad != nil {
		return replyError(nil, null, bad), nil
	}
	var errs []error
	for i := range calls {
		before := len(reply)
		switch {
		case !batch:
		case len(reply) == 0:
			reply = append(reply, '[')
		default:
			reply = append(reply, ',')
		}
		mark := len(reply)
		reply, err = m.call(ctx, reply, &calls[i])
		if err != nil {
			errs = append(errs, err)
		}
		if len(reply) == mark {
			reply = reply[:before]
		}
	}
	if batch && len(reply) > 0 {
		reply = append(reply, ']')
	}
	if len(reply) == 0 {
		reply = nil
	}
	return reply, errors.Join(errs...)
}

// call carries out one call and appends its reply, if it has one.
func (m *Mux) call(ctx context.Context, reply []byte, c *call) ([]byte, error) {
	if c.bad != nil {
		return replyError(reply, c.id, c.bad), nil
	}
	if c.id != nil && len(reply) > maxReply/2 {
		return replyError(reply, c.id, errFull), nil
	}
	result, err := m.invoke(ctx, c)
	if err != nil && fault.CodeOf(err) == fault.Internal {
		// The client is told that much only; the handler has it logged.
		if c.id == nil {
			return reply, fmt.Errorf("%s: %w", c.method, err)
		}
		return replyError(reply, c.id, fault.Of(err)), fmt.Errorf("%s: %w", c.method, err)
	}
	switch {
	case c.id == nil:
		return reply, nil
	case err != nil:
		return replyError(reply, c.id, fault.Of(err)), nil
	case len(result) > maxReply:
		err = fmt.Errorf("%s: a result of %d bytes", c.method, len(result))
		return replyError(reply, c.id, fault.New(fault.TooLarge, "the answer is too large")), err
	case len(reply)+len(result) > maxReply:
		return replyError(reply, c.id, errFull), nil // asked for again it is the same, as a lost answer would be
	}
	return replyResult(reply, c.id, result), nil
}

func (m *Mux) invoke(ctx context.Context, c *call) (result []byte, err error) {
	do, ok := m.methods[c.method]
	if !ok {
		return nil, fault.New(fault.Unimplemented, "no such method")
	}
	next := func(ctx context.Context) (err error) {
		result, err = do(ctx, c.params)
		return err
	}
	for _, around := range slices.Backward(m.around) {
		inner := next
		next = func(ctx context.Context) error { return around(ctx, c.method, inner) }
	}
	err = next(ctx)
	if err == nil && result == nil {
		err = errors.New("an Around returned nil without going on")
	}
	return result, err
}

// decode reads params into req.
func decode(params []byte, req any) error {
	if len(params) == 0 || string(params) == "null" {
		return nil
	}
	var err error
	switch m := req.(type) {
	case proto.Message:
		err = protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: MaxDepth}.Unmarshal(params, m)
	default:
		err = json.Unmarshal(params, req)
	}
	if err != nil {
		return fault.New(fault.Invalid, "params: "+explain(err))
	}
	return nil
}

// explain says what was wrong with params, in words that show nothing of ours.
func explain(err error) string {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		if typ.Field == "" {
			return fmt.Sprintf("a JSON %s is not what is wanted", typ.Value)
		}
		return fmt.Sprintf("%s: a JSON %s is not what is wanted", typ.Field, typ.Value)
	}
	return "not what is wanted"
}

// encode returns the JSON of a result, always the same for the same result.
func encode(res any) ([]byte, error) {
	if m, ok := res.(proto.Message); ok {
		b, err := protojson.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encode the result: %w", err)
		}
		return compact(b), nil
	}
	b, err := json.Marshal(res)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	return b, nil
}
