package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/rpc"
	"github.com/parley-im/parley/worker/workertest"
)

type reply struct {
	ID    json.RawMessage `json:"id"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			Reason    string `json:"reason"`
			Temporary bool   `json:"temporary"`
		} `json:"data"`
	} `json:"error"`
}

func answer(t *testing.T, frame string) reply {
	t.Helper()
	b, _ := newMux().Answer(t.Context(), []byte(frame))
	var r reply
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatalf("reply %q: %v", b, err)
	}
	return r
}

func TestDepthBombIsRefusedWithoutRecursion(t *testing.T) {
	for _, frame := range []string{
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000),
		`{"jsonrpc":"2.0","id":1,"method":"move","params":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}",
		strings.Repeat("[", 500_000),
	} {
		if r := answer(t, frame); r.Error == nil || r.Error.Code != -32700 || !strings.Contains(r.Error.Message, "deeper") {
			t.Errorf("%.20s…: got %+v", frame, r.Error)
		}
	}
	deep := strings.Repeat("[", rpc.MaxDepth-2) + strings.Repeat("]", rpc.MaxDepth-2)
	if r := answer(t, `{"jsonrpc":"2.0","id":1,"method":"nothing","params":{"a":`+deep+`}}`); r.Error != nil {
		t.Errorf("as deep as allowed: %+v", r.Error)
	}
	if r := answer(t, `{"jsonrpc":"2.0","id":1,"method":"nothing","params":{"a":"`+strings.Repeat(`[{\"`, 1000)+`"}}`); r.Error != nil {
		t.Errorf("brackets in a string do not count: %+v", r.Error)
	}
}

func TestBatchAboveTheBoundIsRefusedWhole(t *testing.T) {
	ran := 0
	mux := rpc.NewMux()
	rpc.Handle(mux, "count", func(context.Context, *struct{}) (*struct{}, error) { ran++; return nil, nil })
	batch := func(n int) []byte {
		calls := make([]string, n)
		for i := range calls {
			calls[i] = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"count"}`, i)
		}
		return []byte("[" + strings.Join(calls, ",") + "]")
	}
	b, err := mux.Answer(t.Context(), batch(rpc.MaxBatch))
	var replies []reply
	if err := errors.Join(err, json.Unmarshal(b, &replies)); err != nil || len(replies) != rpc.MaxBatch || ran != rpc.MaxBatch {
		t.Fatalf("a batch of %d: %d replies, %d run, %v", rpc.MaxBatch, len(replies), ran, err)
	}
	ran = 0
	b, err = mux.Answer(t.Context(), batch(rpc.MaxBatch+1))
	var one reply
	if err := errors.Join(err, json.Unmarshal(b, &one)); err != nil || one.Error == nil || one.Error.Code != -32600 || ran != 0 {
		t.Fatalf("a batch of %d: got %s, %d run, %v", rpc.MaxBatch+1, b, ran, err)
	}
}

// TestReplyIsNeverAboveAFrame has what no conn could be told otherwise: its client would
// wait for ever.
func TestReplyIsNeverAboveAFrame(t *testing.T) {
	ran := 0
	mux := rpc.NewMux()
	rpc.Handle(mux, "give", func(_ context.Context, n *struct{ Bytes int }) (*string, error) {
		ran++
		s := strings.Repeat("x", n.Bytes)
		return &s, nil
	})
	ask := func(frame string) (replies []reply) {
		t.Helper()
		b, err := mux.Answer(t.Context(), []byte(frame))
		if err != nil {
			t.Error(err)
		}
		if len(b) > record.MaxPayload {
			t.Errorf("a reply of %d bytes", len(b))
		}
		if err := json.Unmarshal(b, &replies); err != nil {
			t.Error(err)
		}
		return replies
	}
	call := func(bytes int) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":"%0250d","method":"give","params":{"bytes":%d}}`, 7, bytes)
	}

	// One that is too long whatever the client does is a mistake of the method's.
	b, err := mux.Answer(t.Context(), []byte(call(record.MaxPayload)))
	if err == nil || !strings.Contains(string(b), `"TOO_LARGE","temporary":false`) {
		t.Errorf("one that is too long: %.200s, %v", b, err)
	}
	if b, err = mux.Answer(t.Context(), []byte(call(record.MaxPayload/10*9))); err != nil || len(b) < record.MaxPayload/10*9 {
		t.Errorf("one that fits: %.200s, %v", b, err)
	}

	// Calls for whose answers there is no room are not carried out.
	ran = 0
	replies := ask("[" + strings.TrimSuffix(strings.Repeat(call(100<<10)+",", rpc.MaxBatch), ",") + "]")
	answered := 0
	for i, r := range replies {
		switch {
		case r.Error == nil && i == answered:
			answered++
		case r.Error == nil || r.Error.Data.Reason != "OVERLOADED" || !r.Error.Data.Temporary:
			t.Errorf("%d: %+v", i, r.Error)
		}
	}
	if len(replies) != rpc.MaxBatch || answered < 5 || answered != ran {
		t.Errorf("%d replies, %d answered, %d carried out", len(replies), answered, ran)
	}

	// One that has no room only beside others may be asked for on its own.
	replies = ask("[" + call(400<<10) + "," + call(900<<10) + "," + call(1) + "]")
	if len(replies) != 3 || replies[0].Error != nil || replies[1].Error == nil || !replies[1].Error.Data.Temporary || replies[2].Error != nil {
		t.Errorf("got %+v", replies)
	}
}

func TestUncodedErrorIsToldToTheHandlerOnly(t *testing.T) {
	b, err := newMux().Answer(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"broken"}`))
	if err == nil || !strings.Contains(err.Error(), "secret detail") {
		t.Errorf("the handler is told %v", err)
	}
	if strings.Contains(string(b), "secret") {
		t.Errorf("the client is told %s", b)
	}
	if _, err := newMux().Answer(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"slow"}`)); err != nil {
		t.Errorf("an error with a code is the client's business, not: %v", err)
	}
}

func TestAroundSeesEveryKnownCallInOrder(t *testing.T) {
	mux := newMux()
	var seen []string
	mux.Around(func(ctx context.Context, method string, next func(context.Context) error) error {
		seen = append(seen, "outer "+method)
		return next(ctx)
	})
	mux.Around(func(ctx context.Context, method string, next func(context.Context) error) error {
		seen = append(seen, "inner "+method)
		if method == "gone" {
			return fault.New(fault.Forbidden, "")
		}
		return next(ctx)
	})
	_, _ = mux.Answer(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"nothing"}`))
	b, _ := mux.Answer(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"gone"}`))
	if got := fmt.Sprint(seen); got != "[outer nothing inner nothing outer gone inner gone]" {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(string(b), "FORBIDDEN") {
		t.Errorf("got %s", b)
	}
}

func TestResultOfAMessageIsTheSameEachTime(t *testing.T) {
	first, err := newMux().Answer(t.Context(), []byte(`{"jsonrpc":"2.0","id":1,"method":"conns","params":{"user":"ann"}}`))
	if err != nil || string(first) != `{"jsonrpc":"2.0","id":1,"result":{"user":"ann","conns":["9007199254740993"]}}` {
		t.Fatalf("got %s, %v", first, err)
	}
	n := rpc.Notification("tick", &gatewayv1.GroupCount{Group: "g", Conns: 2})
	if string(n.Payload()) != `{"jsonrpc":"2.0","method":"tick","params":{"group":"g","conns":2}}` {
		t.Errorf("got %s", n.Payload())
	}
}

func TestHandleRefusesATakenName(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	rpc.Handle(newMux(), "move", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
}

// game is a Handler whose frames are calls.
type game struct {
	worker.Base
	mux *rpc.Mux
}

func (g game) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	return g.mux.Serve(ctx, c, m)
}

func TestServeRepliesToTheConnThatCalls(t *testing.T) {
	mux := newMux()
	rpc.Handle(mux, "whoami", func(ctx context.Context, _ *struct{}) (*string, error) {
		id := rpc.Conn(ctx).ID().String()
		return &id, nil
	})
	h := workertest.New(t, game{mux: mux})
	c := h.Dial("/")
	c.SendText(`{"jsonrpc":"2.0","id":1,"method":"whoami"}`)
	c.Expect(`{"jsonrpc":"2.0","id":1,"result":"` + c.ID().String() + `"}`)
	c.SendBinary([]byte{1})
	c.Expect(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"calls come in text frames","data":{"reason":"INVALID","temporary":false}}}`)
	c.SendText(`{"jsonrpc":"2.0","id":2,"method":"broken"}`)
	c.Next()
	h.Settle()
	if got := h.Worker().Stats().Errors; got != 1 {
		t.Errorf("errors that the worker was told: got %d, want 1", got)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"move","params":{"x":2}}`, `[]`, `[1,{"jsonrpc":"2.0","id":2,"method":"nothing"}]`,
		`{"jsonrpc":"2.0","id":"a","method":"conns","params":{"conns":["1"]}}`, "", "{", `{"id":{}}`, "\xff", `[[[[`,
	} {
		f.Add([]byte(seed))
	}
	mux := newMux()
	f.Fuzz(func(t *testing.T, frame []byte) {
		b, _ := mux.Answer(t.Context(), frame)
		if b == nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("%q is answered with %q, which is no JSON", frame, b)
		}
		var many []reply
		var one reply
		if json.Unmarshal(b, &many) != nil && json.Unmarshal(b, &one) != nil {
			t.Fatalf("%q is answered with %q", frame, b)
		}
		for _, r := range append(many, one) {
			if r.Error != nil {
				if _, ok := fault.FromReason(r.Error.Data.Reason); !ok {
					t.Fatalf("%q: no such reason: %q", frame, r.Error.Data.Reason)
				}
			}
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	mux := newMux()
	frame := []byte(`{"jsonrpc":"2.0","id":1,"method":"move","params":{"x":2,"tags":["a"],"big":"9007199254740993"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mux.Answer(context.Background(), frame); err != nil {
			b.Fatal(err)
		}
	}
}
