package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/parley-im/parley/worker/chat"
)

// A refresh token is the id of its family, a dot and 32 bytes of chance.
const (
	chanceBytes = 32
	chanceChars = 43 // of base64url
)

// NewFamily makes a sign-in of a device, and its refresh token.
func (t *Tokens) NewFamily(r chat.Realm, u chat.UserID, d chat.DeviceID) (f chat.Family, refresh string, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return f, "", err
	}
	f = chat.Family{Realm: r, ID: chat.FamilyID(id.String()), User: u, Device: d, Expires: t.cfg.Now().Add(t.cfg.Refresh)}
	refresh, f.Token = newRefresh(f.ID)
	return f, refresh, nil
}

// Next makes the token that takes the place of an old one, and what the store has to
// do about it. A token that cannot be one is Unauthenticated.
func (t *Tokens) Next(old string, request chat.RequestID) (r chat.Rotation, refresh string, err error) {
	id, hash, err := ParseRefresh(old)
	if err != nil {
		return r, "", err
	}
	r = chat.Rotation{Family: id, Old: hash, Request: request, Expires: t.cfg.Now().Add(t.cfg.Refresh).Truncate(time.Millisecond)}
	refresh, r.New = newRefresh(id)
	return r, refresh, nil
}

// ParseRefresh takes a refresh token apart: whose it is, and what is kept of it. It
// takes only what newRefresh may have written, letter for letter.
func ParseRefresh(token string) (chat.FamilyID, string, error) {
	id, chance, ok := strings.Cut(token, ".")
	if !ok || len(id) != 36 || len(chance) != chanceChars || strings.ContainsAny(chance, lineEnds) {
		return "", "", errToken
	}
	if u, err := uuid.Parse(id); err != nil || u.Version() != 7 || u.String() != id {
		return "", "", errToken
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(chance); err != nil {
		return "", "", errToken
	}
	return chat.FamilyID(id), hashRefresh(token), nil
}

func newRefresh(id chat.FamilyID) (token, hash string) {
	b := make([]byte, chanceBytes)
	_, _ = rand.Read(b) // never fails
	token = string(id) + "." + base64.RawURLEncoding.EncodeToString(b)
	return token, hashRefresh(token)
}

// hashRefresh is what the store has of a token. Chance needs no salt.
func hashRefresh(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
