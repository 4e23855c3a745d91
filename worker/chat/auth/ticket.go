package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// TicketLasts is how long a picture may wait to be sent.
const TicketLasts = 24 * time.Hour

// maxTicketBytes bounds a ticket before anything looks at it. The longest that Ticket
// makes has about 2,600.
const maxTicketBytes = 4096

// ticketAudience is who tickets are for.
const ticketAudience = "image"

// Ticket says that a picture lies ready for a user to send it into a conversation. It
// opens nothing: the user still needs a token, and the right to send.
type Ticket struct {
	Realm        chat.Realm
	User         chat.UserID
	Conversation chat.ConversationID
	Image        chat.Image
}

// ticketClaims is what a ticket says.
type ticketClaims struct {
	jwt.RegisteredClaims
	Realm        string     `json:"realm,omitempty"`
	Conversation string     `json:"conv"`
	Image        chat.Image `json:"image"`
}

// The answers to tickets that are no good.
var (
	errTicket = fault.New(fault.Invalid, "image: the ticket is not good")
	// ErrTicketEnded comes with what the ticket says: its message may have been sent.
	ErrTicketEnded = errors.New("the ticket has ended")
)

// ticketKey is the key that signs tickets, made of one that signs tokens: whatever they
// say, neither is ever taken for the other.
func ticketKey(key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("parley image ticket"))
	return mac.Sum(nil)
}

// tickets checks signatures only: of a ticket that has ended it is asked what it said.
var tickets = jwt.NewParser(
	jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation(),
)

// Ticket signs a ticket.
func (t *Tokens) Ticket(k Ticket) (string, error) {
	now := t.cfg.Now()
	keys := t.keys.Load()
	j := jwt.NewWithClaims(jwt.SigningMethodHS256, ticketClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.cfg.Issuer, Subject: string(k.User), Audience: jwt.ClaimStrings{ticketAudience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(TicketLasts)),
		},
		Realm: string(k.Realm), Conversation: string(k.Conversation), Image: k.Image,
	})
	j.Header["kid"] = keys.sign
	ticket, err := j.SignedString(ticketKey(keys.by[keys.sign]))
	if err != nil {
		return "", fmt.Errorf("sign a ticket: %w", err)
	}
	return ticket, nil
}

// VerifyTicket checks a ticket. What is no good is Invalid; of one that was good once and
// has ended it says what it was, and [ErrTicketEnded].
func (t *Tokens) VerifyTicket(ticket string) (Ticket, error) {
	if len(ticket) > maxTicketBytes || strings.ContainsAny(ticket, lineEnds) {
		return Ticket{}, errTicket
	}
	var c ticketClaims
	_, err := tickets.ParseWithClaims(ticket, &c, func(j *jwt.Token) (any, error) {
		name, _ := j.Header["kid"].(string)
		if key, ok := t.keys.Load().by[name]; ok {
			return ticketKey(key), nil
		}
		return nil, errors.New("no such key")
	})
	switch {
	case err != nil:
		return Ticket{}, errTicket.Because(err)
	case c.Issuer != t.cfg.Issuer, !slices.Equal(c.Audience, jwt.ClaimStrings{ticketAudience}), c.ExpiresAt == nil,
		c.Subject == "", c.Conversation == "", c.Image.Check() != nil:
		return Ticket{}, errTicket
	}
	k := Ticket{
		Realm: chat.Realm(c.Realm), User: chat.UserID(c.Subject), Conversation: chat.ConversationID(c.Conversation), Image: c.Image,
	}
	if !t.cfg.Now().Before(c.ExpiresAt.Add(leeway)) {
		return k, ErrTicketEnded
	}
	return k, nil
}
