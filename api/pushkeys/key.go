package pushkeys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The bounds of a key.
const (
	MaxID   = 32        // bytes of an id
	MaxRate = 1_000_000 // calls per second
)

const (
	prefix      = "parley_"
	secretBytes = 32
	secretChars = 43 // of base64url
)

// Key is one line of the file.
type Key struct {
	ID    string // a-z, 0-9 and -, 1 to MaxID; it is in every audit line
	Roles Roles  // what it is for
	Rate  int    // calls per second, 1 to MaxRate; as many at once

	sum [sha256.Size]byte // of the whole text
}

// New makes a key: its text, which is shown once and kept by who calls, and what the
// file keeps of it.
func New(id string, roles Roles, rate int) (text string, k Key, err error) {
	if err := errors.Join(checkID(id), checkRoles(roles), checkRate(rate)); err != nil {
		return "", Key{}, err
	}
	var secret [secretBytes]byte
	_, _ = rand.Read(secret[:]) // never fails: it ends the process if the system has no randomness
	text = prefix + id + "_" + base64.RawURLEncoding.EncodeToString(secret[:])
	return text, Key{ID: id, Roles: roles, Rate: rate, sum: sha256.Sum256([]byte(text))}, nil
}

// Line is the key's line of the file, without its end.
func (k Key) Line() string {
	return fmt.Sprintf("%s:%s:%d:%x", k.ID, k.Roles, k.Rate, k.sum)
}

// idOf is the id in a key, which looks like one; else ok is false.
func idOf(text string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if at := len(rest) - secretChars - 1; ok && at > 0 && rest[at] == '_' {
		id = rest[:at]
		return id, checkID(id) == nil
	}
	return "", false
}

// parse reads a line.
func parse(line string) (k Key, err error) {
	fields := strings.Split(line, ":")
	if len(fields) != 4 {
		return k, fmt.Errorf("%d fields, not the 4 of id:roles:rate:hash", len(fields))
	}
	k.ID = fields[0]
	var errs [4]error
	errs[0] = checkID(k.ID)
	k.Roles, errs[1] = ParseRoles(fields[1])
	k.Rate, errs[2] = parseRate(fields[2])
	k.sum, errs[3] = parseSum(fields[3])
	return k, errors.Join(errs[:]...)
}

func parseRate(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("the rate %q is no whole number of calls per second", s)
	}
	return n, checkRate(n)
}

func parseSum(s string) (sum [sha256.Size]byte, err error) {
	if len(s) != hex.EncodedLen(len(sum)) || strings.ToLower(s) != s {
		return sum, fmt.Errorf("the hash is no SHA-256 of %d hexadecimal digits in lower case", hex.EncodedLen(len(sum)))
	}
	if _, err := hex.Decode(sum[:], []byte(s)); err != nil {
		return sum, errors.New("the hash is not hexadecimal")
	}
	return sum, nil
}

func checkID(id string) error {
	ok := id != "" && len(id) <= MaxID
	for i := range len(id) {
		c := id[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("the id %q is not 1 to %d of a-z, 0-9 and -", id, MaxID)
	}
	return nil
}

func checkRoles(r Roles) error {
	if r == 0 || r&^all != 0 {
		return errors.New("a key needs a role: " + names(all, ", "))
	}
	return nil
}

func checkRate(n int) error {
	if n < 1 || n > MaxRate {
		return fmt.Errorf("a rate of %d calls per second: want 1 to %d", n, MaxRate)
	}
	return nil
}
