package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/rpc"
)

var update = flag.Bool("update", false, "write the golden files anew")

type move struct {
	X    int      `json:"x"`
	Tags []string `json:"tags"`
	Big  int64    `json:"big,string"`
}

type moved struct {
	X   int   `json:"x"`
	Big int64 `json:"big,string"`
}

func newMux() *rpc.Mux {
	mux := rpc.NewMux()
	rpc.Handle(mux, "move", func(_ context.Context, m *move) (*moved, error) {
		return &moved{X: m.X + len(m.Tags), Big: m.Big + 1}, nil
	})
	rpc.Handle(mux, "conns", func(_ context.Context, u *gatewayv1.UserConns) (*gatewayv1.UserConns, error) {
		return &gatewayv1.UserConns{User: u.GetUser(), Conns: append(u.GetConns(), 1<<53+1)}, nil
	})
	rpc.Handle(mux, "nothing", func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	rpc.Handle(mux, "slow", func(context.Context, *struct{}) (*struct{}, error) {
		return nil, fault.New(fault.RateLimited, "slow down").After(1200 * time.Millisecond)
	})
	rpc.Handle(mux, "gone", func(context.Context, *struct{}) (*struct{}, error) {
		return nil, fault.Wrap(fault.NotFound, errors.New("row 7 of table secrets"))
	})
	rpc.Handle(mux, "broken", func(context.Context, *struct{}) (*struct{}, error) {
		return nil, errors.New("dial tcp 10.0.0.1: secret detail")
	})
	return mux
}

// TestRepliesAreGolden compares what the router answers with testdata/replies.txt:
// a frame after →, its reply after ←, nothing after ← when there is none.
func TestRepliesAreGolden(t *testing.T) {
	const file = "testdata/replies.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mux := newMux()
	var got bytes.Buffer
	for line := range strings.Lines(string(want)) {
		frame, asks := strings.CutPrefix(line, "→ ")
		if !asks {
			if !strings.HasPrefix(line, "←") {
				got.WriteString(line)
			}
			continue
		}
		got.WriteString(line)
		reply, _ := mux.Answer(t.Context(), []byte(strings.TrimSuffix(frame, "\n")))
		got.WriteString(strings.TrimRight("← "+string(reply), " ") + "\n")
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("replies have changed (write them anew with -update):\n%s", got.String())
	}
}
