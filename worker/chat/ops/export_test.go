package ops

import (
	"context"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// What tests of the package's outside look at.
var (
	ExpiryGroup  = expiryGroup
	FamilyGroup  = familyGroup
	EncodeCursor = encodeCursor
	DecodeCursor = decodeCursor
	GuestName    = guestName
)

// The bounds of sign-ins.
const (
	AttemptsByName    = attemptsByName
	AttemptsByAddress = attemptsByAddress
)

// The bounds of what passes.
const (
	TypingAtOnce   = typingAtOnce
	ReceiptsAtOnce = receiptsAtOnce
)

// The bounds of edits and recalls.
const (
	AmendsAtOnce = amendsAtOnce
	AmendEvery   = amendEvery
)

// RenewAt does what Run does in the minute of now.
func (s *Service) RenewAt(ctx context.Context, now time.Time) { s.renew(ctx, now) }

// UserOf is the user that a conn's session names.
func UserOf(session []byte) chat.UserID { return readSession(session).User }
