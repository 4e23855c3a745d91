package handshake

import (
	"crypto/rand"
	"fmt"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
)

// Stream carries the steps. The caller adapts its own gRPC stream to it; Recv must
// return an error when the stream's context ends, or a handshake waits for ever.
type Stream interface {
	Send(*nodev1.Handshake) error
	Recv() (*nodev1.Handshake, error)
}

// Dial is the side that opened the stream. It blocks for two round trips. attempt
// counts the caller's attempts at this address, from 0, and picks the secret: after
// an ErrSecret the next attempt uses the next one. expectBoot is the boot the
// caller means to reach; with another the peer refuses and so does Dial. Zero: any.
// After an error the caller must end the stream.
func Dial(s Stream, local Identity, secrets []string, attempt int, expectBoot uint64) (peer Identity, err error) {
	mine := local.hello(nonce(), expectBoot)
	if err := checkHello(mine); err != nil {
		return Identity{}, fmt.Errorf("own identity: %w", err)
	}
	if err := s.Send(&nodev1.Handshake{Step: &nodev1.Handshake_Hello{Hello: mine}}); err != nil {
		return Identity{}, fmt.Errorf("send hello: %w", err)
	}
	m, err := receive(s, "hello")
	if err != nil {
		return Identity{}, err
	}
	theirs := m.GetHello()
	if err := checkHello(theirs); err != nil {
		return Identity{}, fmt.Errorf("hello of the listener: %w", err)
	}
	peer = identityOf(theirs)
	if err := fits(mine, theirs, expectBoot, theirs.GetBoot()); err != nil {
		return peer, err
	}

	// The secret that is used. Only this one can be what the listener answers with.
	secret, used := "", []string(nil)
	if n := uint(len(secrets)); n > 0 {
		secret = secrets[uint(attempt)%n]
		used = []string{secret} // also when it is empty: that matches nobody's proof
	}
	proof := prove(secret, labelDialler, mine, theirs)
	if err := s.Send(&nodev1.Handshake{Step: &nodev1.Handshake_Proof{Proof: proof}}); err != nil {
		return peer, fmt.Errorf("send proof: %w", err)
	}
	m, err = receive(s, "welcome")
	if err != nil {
		return peer, fmt.Errorf("%s: %w", peer, err)
	}
	w := m.GetWelcome()
	if w == nil {
		return peer, fmt.Errorf("%s: %w: a welcome was due", peer, ErrInvalid)
	}
	if _, ok := match(used, w.GetProof(), labelListener, mine, theirs); !ok {
		return peer, fmt.Errorf("%s does not prove that it knows our secret: %w", peer, ErrSecret)
	}
	return peer, nil
}

// OfRole is s for a dialler that means a listener of one role. The hello of any other
// ends the handshake, before a proof is sent: whoever stands in between cannot pass
// the proof on to a process of another role, which would take it.
func OfRole(s Stream, role string) Stream { return roleStream{s, role} }

type roleStream struct {
	Stream
	role string
}

func (r roleStream) Recv() (*nodev1.Handshake, error) {
	m, err := r.Stream.Recv()
	if h := m.GetHello(); err == nil && checkHello(h) == nil && h.GetRole() != r.role {
		return nil, fmt.Errorf("%s is not a %s", identityOf(h), r.role)
	}
	return m, err
}

// Accept is the side that was dialled. It blocks for two round trips. After an
// error the dialler has been told the reason where it can be told, and the caller
// must end the stream; [Status] is the error to end a gRPC handler with. peer is
// what the dialler claimed and only to be believed when err is nil.
func Accept(s Stream, local Identity, secrets []string) (peer Identity, err error) {
	mine := local.hello(nonce(), 0)
	if err := checkHello(mine); err != nil {
		return Identity{}, fmt.Errorf("own identity: %v", err) // not the dialler's fault: no sentinel
	}
	m, err := s.Recv()
	if err != nil {
		return Identity{}, fmt.Errorf("wait for hello: %w", err)
	}
	theirs := m.GetHello()
	if err := checkHello(theirs); err != nil {
		return Identity{}, refuse(s, fmt.Errorf("hello of the dialler: %w", err))
	}
	peer = identityOf(theirs)
	if err := s.Send(&nodev1.Handshake{Step: &nodev1.Handshake_Hello{Hello: mine}}); err != nil {
		return peer, fmt.Errorf("send hello: %w", err)
	}
	if err := fits(mine, theirs, theirs.GetExpectBoot(), mine.GetBoot()); err != nil {
		return peer, refuse(s, err)
	}

	m, err = s.Recv()
	if err != nil {
		return peer, fmt.Errorf("wait for the proof of %s: %w", peer, err)
	}
	proof, ok := m.GetStep().(*nodev1.Handshake_Proof)
	if !ok {
		return peer, refuse(s, fmt.Errorf("%s: %w: a proof was due", peer, ErrInvalid))
	}
	secret, ok := match(secrets, proof.Proof, labelDialler, theirs, mine)
	if !ok {
		return peer, refuse(s, fmt.Errorf("%s %s: %w", peer, disproof(secrets, proof.Proof), ErrSecret))
	}
	welcome := &nodev1.Welcome{Proof: prove(secret, labelListener, theirs, mine)}
	if err := s.Send(&nodev1.Handshake{Step: &nodev1.Handshake_Welcome{Welcome: welcome}}); err != nil {
		return peer, fmt.Errorf("send welcome: %w", err)
	}
	return peer, nil
}

// receive waits for a step of the listener and turns a refusal into its error.
func receive(s Stream, what string) (*nodev1.Handshake, error) {
	m, err := s.Recv()
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", what, err)
	}
	if r := m.GetRefusal(); r != nil {
		return nil, fmt.Errorf("refused: %w", refused(r))
	}
	return m, nil
}

// refuse tells the dialler why, as well as that still works, and returns err.
func refuse(s Stream, err error) error {
	if m := refusal(err); m != nil {
		_ = s.Send(m) // the stream ends anyway
	}
	return err
}

// fits compares two well-formed hellos. Both ends run it with the same outcome.
func fits(mine, theirs *nodev1.Hello, expectBoot, boot uint64) error {
	peer := identityOf(theirs)
	switch {
	case mine.GetCluster() != theirs.GetCluster():
		return fmt.Errorf("%s is of cluster %q, this process of %q: %w", peer, theirs.GetCluster(), mine.GetCluster(), ErrCluster)
	case mine.GetMajor() != theirs.GetMajor():
		return fmt.Errorf("%s speaks version %d.%d, this process %d.%d: %w", peer,
			theirs.GetMajor(), theirs.GetMinor(), mine.GetMajor(), mine.GetMinor(), ErrMajor)
	case expectBoot != 0 && expectBoot != boot:
		return fmt.Errorf("%s: boot %016x was meant, %016x is here: %w", peer, expectBoot, boot, ErrBoot)
	}
	return nil
}

// disproof says why a proof does not hold as far as can be known.
func disproof(secrets []string, p *nodev1.Proof) string {
	switch {
	case len(secrets) == 0:
		return "uses a secret and this process has none"
	case len(p.GetMac()) == 0:
		return "has no secret and this process asks for one"
	}
	return "proved itself with a secret this process does not know"
}

func nonce() []byte {
	b := make([]byte, NonceBytes)
	rand.Read(b) // never fails
	return b
}
