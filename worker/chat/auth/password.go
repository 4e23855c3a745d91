package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// cost is what a hash takes to compute.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// current is OWASP's smaller setting for argon2id (Password Storage Cheat Sheet, 2025).
var current = cost{memory: 19 << 10, passes: 2, threads: 1}

// most bounds what a stored hash may ask for: a row of a database must not take the
// machine.
var most = cost{memory: 256 << 10, passes: 16, threads: 4}

const (
	saltBytes = 16
	hashBytes = 32
)

// Passwords hashes and checks passwords, a few at a time. Its methods may be called
// from any goroutine.
type Passwords struct {
	turns   chan struct{} // has as many places as run at once
	waiting atomic.Int64
	line    int64
	dummy   string
	key     func(password, salt []byte, c cost, n uint32) []byte
}

// DefaultLine is how many may wait for their turn: at 35 ms each they are through in
// two seconds on one processor.
const DefaultLine = 64

// NewPasswords makes one that computes at most atOnce hashes at a time, 0: half of the
// processors. More than line others wait; further ones are answered Overloaded.
func NewPasswords(atOnce, line int) *Passwords {
	if atOnce <= 0 {
		atOnce = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if line <= 0 {
		line = DefaultLine
	}
	return &Passwords{turns: make(chan struct{}, atOnce), line: int64(line), key: idKey,
		// The same cost as a real one, and nobody knows what it is the hash of.
		dummy: encode(current, make([]byte, saltBytes), make([]byte, hashBytes))}
}

func idKey(password, salt []byte, c cost, n uint32) []byte {
	return argon2.IDKey(password, salt, c.passes, c.memory, c.threads, n)
}

// Waiting is how many wait for their turn now.
func (p *Passwords) Waiting() int { return int(p.waiting.Load()) }

// Check reports whether a password may be chosen.
func Check(password string) error {
	switch {
	case len(password) < chat.MinPasswordBytes:
		return fault.New(fault.Invalid, fmt.Sprintf("password: at least %d bytes", chat.MinPasswordBytes))
	case len(password) > chat.MaxPasswordBytes:
		return fault.New(fault.TooLarge, fmt.Sprintf("password: at most %d bytes", chat.MaxPasswordBytes))
	}
	return nil
}

// Hash returns what is kept of a password. It waits for its turn while ctx lasts.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := Check(password); err != nil {
		return "", err
	}
	return p.HashAny(ctx, password)
}

// HashAny is Hash for a password that nobody may choose, a short one: of accounts that
// everybody may enter, which a program makes.
func (p *Passwords) HashAny(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	if err := p.turn(ctx); err != nil {
		return "", err
	}
	defer p.done()
	return encode(current, salt, p.key([]byte(password), salt, current, hashBytes)), nil
}

// Verify reports whether a password is the one that hash was made of. An empty hash is
// nobody's, and costs the same, so that the time does not tell who there is.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	if len(password) > chat.MaxPasswordBytes {
		return false, nil
	}
	nobody := hash == ""
	if nobody {
		hash = p.dummy
	}
	c, salt, want, err := decode(hash)
	if err != nil {
		return false, err
	}
	if err := p.turn(ctx); err != nil {
		return false, err
	}
	defer p.done()
	got := p.key([]byte(password), salt, c, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && !nobody, nil
}

// Outdated reports whether a hash was made with another cost than hashes are now.
func Outdated(hash string) bool {
	c, _, _, err := decode(hash)
	return err != nil || c != current
}

func (p *Passwords) turn(ctx context.Context) error {
	select {
	case p.turns <- struct{}{}:
		return nil
	default:
	}
	if p.waiting.Add(1) > p.line {
		p.waiting.Add(-1)
		return fault.New(fault.Overloaded, "too many sign in at the moment").After(2 * time.Second)
	}
	defer p.waiting.Add(-1)
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Overloaded, "too many sign in at the moment").After(2 * time.Second).Because(context.Cause(ctx))
	}
}

func (p *Passwords) done() { <-p.turns }

// encode writes a hash in the PHC string format.
func encode(c cost, salt, hash []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads, b.EncodeToString(salt), b.EncodeToString(hash))
}

var errHash = errors.New("a stored password hash cannot be read")

// decode reads a hash in the PHC string format.
func decode(s string) (c cost, salt, hash []byte, err error) {
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return c, nil, nil, errHash
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, errHash
	}
	if c.memory < 8 || c.memory > most.memory || c.passes < 1 || c.passes > most.passes || c.threads < 1 || c.threads > most.threads {
		return c, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	hash, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(hash) < 16 || len(hash) > 64 {
		return c, nil, nil, errHash
	}
	// The readers above pass over what follows a number, zeros before it and ends of
	// lines; what we wrote has one spelling.
	if encode(c, salt, hash) != s {
		return c, nil, nil, errHash
	}
	return c, salt, hash, nil
}
