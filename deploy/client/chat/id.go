package chatclient

import (
	"crypto/rand"
	"encoding/base64"
)

// newRequestID returns an id that nobody guesses: who knew one could answer for it.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
