package handshake

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"unicode"
	"unicode/utf8"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
)

// The version of the protocol this build speaks. Ends of different majors refuse
// each other; a higher minor only adds what the other end may ignore.
const (
	Major = 1
	Minor = 0
)

// Bounds of a Hello. What is larger is refused before anything is computed.
const (
	MaxStringBytes = 256
	MaxFeatures    = 32
	NonceBytes     = 32
)

// Identity is what a process says of itself.
type Identity struct {
	Cluster string // both ends must say the same
	Role    string // gateway, worker, register, api, …; not empty
	Node    string // name of the process, unique within its role; not empty
	Boot    uint64 // random, one per process life, see NewBoot; not zero
	Build   string // for people

	Major, Minor uint32 // zero Major: this build's Major and Minor
	Features     []string
}

// String names a process the way errors and logs do: role and node.
func (id Identity) String() string { return fmt.Sprintf("%s %s", id.Role, id.Node) }

// NewBoot makes the random number that one life of a process bears. Never zero.
func NewBoot() uint64 {
	for {
		var b [8]byte
		rand.Read(b[:]) // never fails: it ends the process if the system has no randomness
		if boot := binary.BigEndian.Uint64(b[:]); boot != 0 {
			return boot
		}
	}
}

// Validate reports the first thing that would make every peer refuse id.
func (id Identity) Validate() error {
	return checkHello(id.hello(make([]byte, NonceBytes), 0))
}

func (id Identity) hello(nonce []byte, expectBoot uint64) *nodev1.Hello {
	if id.Major == 0 {
		id.Major, id.Minor = Major, Minor
	}
	return &nodev1.Hello{
		Cluster: id.Cluster, Role: id.Role, Node: id.Node, Boot: id.Boot, Nonce: nonce,
		Major: id.Major, Minor: id.Minor, Build: id.Build, Features: id.Features,
		ExpectBoot: expectBoot,
	}
}

func identityOf(h *nodev1.Hello) Identity {
	return Identity{
		Cluster: h.GetCluster(), Role: h.GetRole(), Node: h.GetNode(), Boot: h.GetBoot(), Build: h.GetBuild(),
		Major: h.GetMajor(), Minor: h.GetMinor(), Features: h.GetFeatures(),
	}
}

// checkHello says what is wrong with the form of a hello. Its errors may quote
// names of fields, never their contents: those came from anybody.
func checkHello(h *nodev1.Hello) error {
	if h == nil {
		return fmt.Errorf("%w: no hello", ErrInvalid)
	}
	for _, f := range []struct{ name, value string }{
		{"cluster", h.GetCluster()}, {"role", h.GetRole()}, {"node", h.GetNode()}, {"build", h.GetBuild()},
	} {
		if err := checkString(f.name, f.value); err != nil {
			return err
		}
	}
	switch {
	case h.GetRole() == "":
		return fmt.Errorf("%w: role is empty", ErrInvalid)
	case h.GetNode() == "":
		return fmt.Errorf("%w: node is empty", ErrInvalid)
	case h.GetBoot() == 0:
		return fmt.Errorf("%w: boot is zero", ErrInvalid)
	case len(h.GetNonce()) != NonceBytes:
		return fmt.Errorf("%w: nonce has %d bytes, not %d", ErrInvalid, len(h.GetNonce()), NonceBytes)
	case len(h.GetFeatures()) > MaxFeatures:
		return fmt.Errorf("%w: %d features, at most %d are allowed", ErrInvalid, len(h.GetFeatures()), MaxFeatures)
	}
	for _, f := range h.GetFeatures() {
		if err := checkString("feature", f); err != nil {
			return err
		}
	}
	return nil
}

func checkString(name, s string) error {
	if len(s) > MaxStringBytes {
		return fmt.Errorf("%w: %s has %d bytes, at most %d are allowed", ErrInvalid, name, len(s), MaxStringBytes)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: %s is not UTF-8", ErrInvalid, name)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Errorf("%w: %s has a control character", ErrInvalid, name)
		}
	}
	return nil
}
