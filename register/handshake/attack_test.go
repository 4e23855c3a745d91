package handshake

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// tapped changes what one end sends on its way out. It sees what the end received.
type tapped struct {
	Stream
	seen []*nodev1.Handshake
	send func(m *nodev1.Handshake, seen []*nodev1.Handshake) *nodev1.Handshake
}

func (t *tapped) Recv() (*nodev1.Handshake, error) {
	m, err := t.Stream.Recv()
	t.seen = append(t.seen, m)
	return m, err
}

func (t *tapped) Send(m *nodev1.Handshake) error {
	return t.Stream.Send(t.send(proto.CloneOf(m), t.seen)) // the end keeps what it meant to send
}

func onDialler(f func(m *nodev1.Handshake, seen []*nodev1.Handshake) *nodev1.Handshake) func(a, b *end) (Stream, Stream) {
	return func(a, b *end) (Stream, Stream) { return &tapped{Stream: a, send: f}, b }
}

func onListener(f func(m *nodev1.Handshake, seen []*nodev1.Handshake) *nodev1.Handshake) func(a, b *end) (Stream, Stream) {
	return func(a, b *end) (Stream, Stream) { return a, &tapped{Stream: b, send: f} }
}

func proofStep(p *nodev1.Proof) *nodev1.Handshake {
	return &nodev1.Handshake{Step: &nodev1.Handshake_Proof{Proof: p}}
}

func welcomeStep(p *nodev1.Proof) *nodev1.Handshake {
	return &nodev1.Handshake{Step: &nodev1.Handshake_Welcome{Welcome: &nodev1.Welcome{Proof: p}}}
}

func TestProofOfAnEarlierStreamIsRefused(t *testing.T) {
	var recorded *nodev1.Proof
	record := onDialler(func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		if p := m.GetProof(); p != nil {
			recorded = p
		}
		return m
	})
	if o := run(t, worker(shared), gateway(shared), record); o.dial != nil {
		t.Fatal(o.dial)
	}
	replay := onDialler(func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		if m.GetProof() != nil {
			return proofStep(recorded)
		}
		return m
	})
	// The thief does not know the secret and says it is the worker.
	if o := run(t, worker("guess"), gateway(shared), replay); !errors.Is(o.accept, ErrSecret) {
		t.Errorf("listener: got %v, want wrong secret", o.accept)
	}
}

func TestListenerThatDoesNotKnowTheSecretIsRefused(t *testing.T) {
	// These listeners take every dialler, since they have no secret to check with.
	for name, answer := range map[string]func(seen []*nodev1.Handshake) *nodev1.Proof{
		"nothing":                 func([]*nodev1.Handshake) *nodev1.Proof { return nil },
		"an empty proof":          func([]*nodev1.Handshake) *nodev1.Proof { return &nodev1.Proof{} },
		"the dialler's proof":     func(seen []*nodev1.Handshake) *nodev1.Proof { return seen[len(seen)-1].GetProof() },
		"a guess":                 func([]*nodev1.Handshake) *nodev1.Proof { return &nodev1.Proof{Mac: make([]byte, 32)} },
		"a truncated proof":       func([]*nodev1.Handshake) *nodev1.Proof { return &nodev1.Proof{Mac: make([]byte, 31)} },
		"a proof of great length": func([]*nodev1.Handshake) *nodev1.Proof { return &nodev1.Proof{Mac: make([]byte, 1<<20)} },
	} {
		t.Run(name, func(t *testing.T) {
			// What the impostor would send after any proof: it swallows the refusal.
			impostor := onListener(func(m *nodev1.Handshake, seen []*nodev1.Handshake) *nodev1.Handshake {
				if m.GetRefusal() != nil {
					return welcomeStep(answer(seen))
				}
				return m
			})
			if o := run(t, worker(shared), gateway(), impostor); !errors.Is(o.dial, ErrSecret) {
				t.Errorf("dialler: got %v, want wrong secret", o.dial)
			}
		})
	}
}

// Somebody between a dialler and a register must not be able to pass the dialler's
// proof on to a gateway, which would take it.
func TestListenerOfAnotherRoleGetsNoProof(t *testing.T) {
	proofs := 0
	of := func(role string) func(a, b *end) (Stream, Stream) {
		return func(a, b *end) (Stream, Stream) {
			tap := &tapped{Stream: a, send: func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
				if m.GetProof() != nil {
					proofs++
				}
				return m
			}}
			return OfRole(tap, role), b
		}
	}
	o := run(t, worker(shared), gateway(shared), of("register"))
	if o.dial == nil || !strings.Contains(o.dial.Error(), "gateway gw-1 is not a register") || o.accept == nil || proofs != 0 {
		t.Errorf("dialler: %v, listener: %v, %d proofs sent", o.dial, o.accept, proofs)
	}
	if o := run(t, worker(shared), gateway(shared), of("gateway")); o.dial != nil || o.accept != nil || proofs != 1 {
		t.Errorf("dialler: %v, listener: %v, %d proofs sent", o.dial, o.accept, proofs)
	}
}

func TestChangeOfAHelloOnTheWayIsNoticed(t *testing.T) {
	change := func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		if h := m.GetHello(); h != nil {
			h.Boot++
		}
		return m
	}
	if o := run(t, worker(shared), gateway(shared), onDialler(change)); !errors.Is(o.accept, ErrSecret) {
		t.Errorf("changed hello of the dialler: got %v", o.accept)
	}
	if o := run(t, worker(shared), gateway(shared), onListener(change)); !errors.Is(o.accept, ErrSecret) {
		t.Errorf("changed hello of the listener: got %v", o.accept)
	}
}

func TestMalformedStepsAreRefused(t *testing.T) {
	hello := func(change func(*nodev1.Hello)) func(*nodev1.Handshake) *nodev1.Handshake {
		return func(m *nodev1.Handshake) *nodev1.Handshake {
			if h := m.GetHello(); h != nil {
				change(h)
			}
			return m
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*nodev1.Handshake) *nodev1.Handshake
		want   error
	}{
		{"short nonce", hello(func(h *nodev1.Hello) { h.Nonce = h.Nonce[:31] }), ErrInvalid},
		{"long nonce", hello(func(h *nodev1.Hello) { h.Nonce = make([]byte, 33) }), ErrInvalid},
		{"oversized cluster", hello(func(h *nodev1.Hello) { h.Cluster = strings.Repeat("x", MaxStringBytes+1) }), ErrInvalid},
		{"oversized features", hello(func(h *nodev1.Hello) { h.Features = make([]string, MaxFeatures+1) }), ErrInvalid},
		{"control character", hello(func(h *nodev1.Hello) { h.Node = "x\x1b[31m" }), ErrInvalid},
		{"zero boot", hello(func(h *nodev1.Hello) { h.Boot = 0 }), ErrInvalid},
		{"no step", func(*nodev1.Handshake) *nodev1.Handshake { return &nodev1.Handshake{} }, ErrInvalid},
		{"proof first", func(*nodev1.Handshake) *nodev1.Handshake { return proofStep(&nodev1.Proof{Mac: make([]byte, 32)}) }, ErrInvalid},
		{"hello twice", func(m *nodev1.Handshake) *nodev1.Handshake {
			if m.GetProof() != nil {
				return &nodev1.Handshake{Step: &nodev1.Handshake_Hello{Hello: worker().id.hello(nonce(), 0)}}
			}
			return m
		}, ErrInvalid},
		{"truncated proof", func(m *nodev1.Handshake) *nodev1.Handshake {
			if p := m.GetProof(); p != nil {
				p.Mac = p.Mac[:16]
			}
			return m
		}, ErrSecret},
		{"proof without a mac", func(m *nodev1.Handshake) *nodev1.Handshake {
			if m.GetProof() != nil {
				return proofStep(nil)
			}
			return m
		}, ErrSecret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tap := func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake { return tt.change(m) }
			if o := run(t, worker(shared), gateway(shared), onDialler(tap)); !errors.Is(o.accept, tt.want) || !errors.Is(o.dial, tt.want) {
				t.Errorf("from the dialler: listener got %v, dialler %v, want %v", o.accept, o.dial, tt.want)
			}
		})
	}
	welcomeFirst := onListener(func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		return welcomeStep(&nodev1.Proof{})
	})
	if o := run(t, worker(shared), gateway(shared), welcomeFirst); !errors.Is(o.dial, ErrInvalid) {
		t.Errorf("welcome in place of a hello: got %v", o.dial)
	}
	helloAgain := onListener(func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		if m.GetWelcome() != nil {
			return &nodev1.Handshake{Step: &nodev1.Handshake_Hello{Hello: gateway().id.hello(nonce(), 0)}}
		}
		return m
	})
	if o := run(t, worker(shared), gateway(shared), helloAgain); !errors.Is(o.dial, ErrInvalid) {
		t.Errorf("hello in place of a welcome: got %v", o.dial)
	}
}

func TestSilentPeerCostsOnlyTheDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a, _ := pipe(ctx)
	_, b := pipe(ctx)
	errs := make(chan error, 2)
	go func() { _, err := Dial(a, worker().id, nil, 0, 0); errs <- err }()
	go func() { _, err := Accept(b, gateway().id, nil); errs <- err }()
	cancel()
	for range 2 {
		if err := <-errs; err == nil || Final(err) {
			t.Errorf("got %v, want the error of the stream", err)
		}
	}
}

func TestNoSecretPassesOverTheWire(t *testing.T) {
	const secret = "correct horse battery staple"
	look := func(m *nodev1.Handshake, _ []*nodev1.Handshake) *nodev1.Handshake {
		if b := []byte(m.String()); bytes.Contains(b, []byte(secret)) || bytes.Contains(m.GetProof().GetMac(), []byte(secret)) {
			t.Errorf("the secret is in %v", m)
		}
		return m
	}
	run(t, worker(secret), gateway(secret), onDialler(look))
	run(t, worker(secret), gateway(secret), onListener(look))
}

func TestStatusTellsTheKind(t *testing.T) {
	for err, want := range map[error]codes.Code{
		ErrInvalid: codes.InvalidArgument, ErrCluster: codes.FailedPrecondition, ErrMajor: codes.FailedPrecondition,
		ErrBoot: codes.FailedPrecondition, ErrSecret: codes.Unauthenticated,
	} {
		if got := status.Code(Status(err)); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
		if refused(refusal(err).GetRefusal()) != err {
			t.Errorf("%v does not survive the way over the wire", err)
		}
	}
	if got := Status(context.Canceled); got != context.Canceled {
		t.Errorf("got %v", got)
	}
	if refusal(context.Canceled) != nil || !errors.Is(refused(&nodev1.Refusal{Reason: 99}), ErrInvalid) {
		t.Error("an unknown reason must be taken for a malformed handshake")
	}
}
