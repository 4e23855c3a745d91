package ops

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// minGuestRequest is how long the request id of a guest has to be: who knows it is the
// guest.
const minGuestRequest = 16

// guestNames is how many names are tried for a guest. A name has 40 bits, so with a
// million guests one in a million finds the first one taken.
const guestNames = 8

var (
	errNoGuests    = fault.New(fault.Forbidden, "guests are not allowed here")
	errGuestGuess  = fault.New(fault.Invalid, fmt.Sprintf("requestId: of a guest at least %d characters, drawn by chance", minGuestRequest))
	errManyCollide = fault.New(fault.Conflict, "requestId: no name was found for it, choose another")
)

// GetServer tells what somebody may know who has not signed in.
func (s *Service) GetServer(_ context.Context, req *chatv1.GetServerRequest) (*chatv1.GetServerResponse, error) {
	if _, err := s.realm(req.GetRealm()); err != nil {
		return nil, err
	}
	return &chatv1.GetServerResponse{Guests: s.cfg.Guests, DemoAccounts: s.cfg.DemoAccounts}, nil
}

// SignInGuest makes an account without a password and signs it in.
func (s *Service) SignInGuest(ctx context.Context, req *chatv1.SignInGuestRequest) (*chatv1.SignInGuestResponse, error) {
	if !s.cfg.Guests {
		return nil, errNoGuests
	}
	r, err := s.realm(req.GetRealm())
	device, request := chat.DeviceID(req.GetDevice()), chat.RequestID(req.GetRequestId())
	if err := first(err, chat.CheckDisplayName(req.GetDisplayName()), device.Check(), request.Check()); err != nil {
		return nil, err
	}
	if len(request) < minGuestRequest {
		return nil, errGuestGuess
	}
	if err := s.attempts.take(ctx, r, ""); err != nil {
		return nil, err
	}
	a, duplicate, err := s.addGuest(ctx, r, req.GetDisplayName(), request)
	if err != nil {
		return nil, err
	}
	tokens, err := s.signIn(ctx, a.User, device)
	if err != nil {
		return nil, err
	}
	return &chatv1.SignInGuestResponse{User: protoUser(a.User), Tokens: tokens, Duplicate: proto.Bool(duplicate)}, nil
}

// addGuest makes the account, or finds the one that the request made. Its name follows
// from the request, so that a repeat comes to the same one: the first that is not
// another's.
func (s *Service) addGuest(ctx context.Context, r chat.Realm, display string, request chat.RequestID) (a chat.Account, duplicate bool, err error) {
	for try := range guestNames {
		a, duplicate, err = s.cfg.Store.AddUser(ctx, chat.NewUser{
			User: chat.User{Realm: r, Name: guestName(request, try), Display: display, Guest: true}, Request: request,
		})
		if !errors.Is(err, chat.ErrNameTaken) {
			return a, duplicate, err
		}
	}
	return a, false, errManyCollide.Because(err)
}

// guestName is the name that a guest's request has at a try. It does not tell the request:
// too many have the same.
func guestName(request chat.RequestID, try int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "parley guest %d %s", try, request))
	return chat.GuestName(strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5])))
}
