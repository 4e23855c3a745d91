package pushkeys

import (
	"crypto/sha256"
	"errors"
	"strings"
)

// secretLetters are those of base64url.
const secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// IsKey reports whether text has the form of a key. Whether it is one, says a Set.
func IsKey(text string) bool {
	id, ok := idOf(text)
	return ok && strings.Trim(text[len(prefix)+len(id)+1:], secretLetters) == ""
}

// Of is what the file keeps of the key that is text, with roles and rate anew: for one
// whose line is lost. Its errors show nothing of it.
func Of(text string, roles Roles, rate int) (Key, error) {
	if !IsKey(text) {
		return Key{}, errors.New("that is no key")
	}
	if err := errors.Join(checkRoles(roles), checkRate(rate)); err != nil {
		return Key{}, err
	}
	id, _ := idOf(text)
	return Key{ID: id, Roles: roles, Rate: rate, sum: sha256.Sum256([]byte(text))}, nil
}
