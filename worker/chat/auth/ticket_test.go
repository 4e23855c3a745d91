package auth

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

var lying = Ticket{
	Realm: "shu", User: "u1", Conversation: "c1",
	Image: chat.Image{Type: "image/png", Width: 640, Height: 480, Bytes: 12345, Name: "猫.png", File: "ab/cdef.png"},
}

// ticket signs one, which has to go well.
func ticket(t *testing.T, k *Tokens, what Ticket) string {
	t.Helper()
	s, err := k.Ticket(what)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// noTicket wants it to be refused, and to say nothing.
func noTicket(t *testing.T, k *Tokens, name, ticket string) {
	t.Helper()
	got, err := k.VerifyTicket(ticket)
	if err == nil || fault.CodeOf(err) != fault.Invalid || fault.Of(err).Message() != "image: the ticket is not good" || got != (Ticket{}) {
		t.Errorf("%s: got %+v, %v", name, got, err)
	}
}

func TestTicketSaysWhatWasSigned(t *testing.T) {
	k := tokens(t, nil)
	largest := lying
	largest.User, largest.Conversation = chat.UserID(strings.Repeat("u", 36)), chat.ConversationID(strings.Repeat("c", 36))
	largest.Realm = chat.Realm(strings.Repeat("r", 32))
	largest.Image.Name, largest.Image.File = strings.Repeat(`<`, chat.MaxImageNameRunes), strings.Repeat("f", chat.MaxImageFile)
	for _, want := range []Ticket{lying, largest} {
		if got, err := k.VerifyTicket(ticket(t, k, want)); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestTicketIsNoTokenAndATokenNoTicket(t *testing.T) {
	k := tokens(t, nil)
	token, _, err := k.Access(who)
	if err != nil {
		t.Fatal(err)
	}
	noTicket(t, k, "a token", token)
	refused(t, k, "a ticket", ticket(t, k, lying), notGood)
	// Nor with everything in it that the other has.
	both := `,"aud":"image","iat":1,"conv":"c1","image":{"type":"image/png","width":1,"height":1,"bytes":1,"file":"f"}`
	noTicket(t, k, "a token that says what tickets do", raw(header(), payload(both), keyA))
	if got, err := k.VerifyTicket(raw(header(), payload(both), ticketKey(keyA))); err != nil || got.User != "u1" { // the test can tell
		t.Errorf("signed as a ticket: %+v, %v", got, err)
	}
	refused(t, k, "a ticket that says what tokens do", raw(header(), payload(both), ticketKey(keyA)), notGood)
}

func TestTicketThatWasChangedIsNoGood(t *testing.T) {
	k := tokens(t, nil)
	good := ticket(t, k, lying)
	for i := range len(good) {
		for _, c := range []byte{good[i] ^ 1, '.', '\n'} {
			if c != good[i] {
				noTicket(t, k, "one byte changed", good[:i]+string(rune(c))+good[i+1:])
			}
		}
	}
	head, rest, _ := strings.Cut(good, ".")
	_, sig, _ := strings.Cut(rest, ".")
	other := lying
	other.User = "u2"
	_, rest, _ = strings.Cut(ticket(t, k, other), ".")
	body, _, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + keyName(keyA) + `"}`))
	for name, bad := range map[string]string{
		"nothing": "", "another's words": head + "." + body + "." + sig, "without a signature": none + "." + body + ".",
		"too long": good + strings.Repeat("A", maxTicketBytes), "a second spelling": good + "\n",
	} {
		noTicket(t, k, name, bad)
	}
	noTicket(t, tokens(t, func(c *Config) { c.Issuer = "another cluster" }), "of another cluster", good)
	noTicket(t, tokens(t, func(c *Config) { c.Keys = [][]byte{keyB} }), "of another key", good)
	bad := lying
	bad.Image.File = "../etc/passwd"
	noTicket(t, k, "a picture that cannot be one", ticket(t, k, bad))
}

func TestTicketsOutliveTheRotationOfKeys(t *testing.T) {
	k := tokens(t, nil)
	old := ticket(t, k, lying)
	if err := k.SetKeys([][]byte{keyB, keyA}); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"the old": old, "the new": ticket(t, k, lying)} {
		if got, err := k.VerifyTicket(s); err != nil || got != lying {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if err := k.SetKeys([][]byte{keyB}); err != nil {
		t.Fatal(err)
	}
	noTicket(t, k, "of a key that was taken away", old)
}

func TestTicketEndsAfterADayAndStillSaysWhatItWas(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	k := tokens(t, func(c *Config) { c.Now = func() time.Time { return now } })
	s := ticket(t, k, lying)
	now = now.Add(TicketLasts - time.Second)
	if got, err := k.VerifyTicket(s); err != nil || got != lying {
		t.Errorf("before its end: %+v, %v", got, err)
	}
	now = now.Add(time.Minute)
	if got, err := k.VerifyTicket(s); !errors.Is(err, ErrTicketEnded) || got != lying {
		t.Errorf("after its end: %+v, %v", got, err)
	}
}
