package ops

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
)

// first returns the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// realm checks that a realm is one, and served here.
func (s *Service) realm(name string) (chat.Realm, error) {
	r := chat.Realm(name)
	if err := r.Check(); err != nil {
		return r, err
	}
	if !s.cfg.Tokens.Serves(r) {
		return r, fault.New(fault.NotFound, "no such realm")
	}
	return r, nil
}

var (
	errPassword = fault.New(fault.Unauthenticated, "name or password is wrong")
	errReserved = fault.New(fault.Forbidden, "name: those that begin with guest- are for guests")
)

// SignUp makes an account and signs it in.
func (s *Service) SignUp(ctx context.Context, req *chatv1.SignUpRequest) (*chatv1.SignUpResponse, error) {
	r, err := s.realm(req.GetRealm())
	device, request := chat.DeviceID(req.GetDevice()), chat.RequestID(req.GetRequestId())
	if req.GetDisplayName() != "" {
		err = first(err, chat.CheckDisplayName(req.GetDisplayName()))
	}
	if err := first(err, chat.CheckName(req.GetName()), auth.Check(req.GetPassword()), device.Check(), request.Check()); err != nil {
		return nil, err
	}
	if chat.Reserved(req.GetName()) {
		return nil, errReserved
	}
	if err := s.attempts.take(ctx, r, ""); err != nil {
		return nil, err
	}
	hash, err := s.cfg.Passwords.Hash(ctx, req.GetPassword())
	if err != nil {
		return nil, err
	}
	a, duplicate, err := s.cfg.Store.AddUser(ctx, chat.NewUser{
		User: chat.User{Realm: r, Name: req.GetName(), Display: req.GetDisplayName()}, PasswordHash: hash, Request: request,
	})
	if err != nil {
		return nil, err
	}
	if duplicate {
		ok, err := s.cfg.Passwords.Verify(ctx, a.PasswordHash, req.GetPassword())
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fault.New(fault.Conflict, "the name is taken")
		}
	}
	tokens, err := s.signIn(ctx, a.User, device)
	if err != nil {
		return nil, err
	}
	return &chatv1.SignUpResponse{User: protoUser(a.User), Tokens: tokens, Duplicate: proto.Bool(duplicate)}, nil
}

// SignIn trades name and password for tokens.
func (s *Service) SignIn(ctx context.Context, req *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	r, err := s.realm(req.GetRealm())
	device := chat.DeviceID(req.GetDevice())
	if err := first(err, device.Check()); err != nil {
		return nil, err
	}
	if chat.CheckName(req.GetName()) != nil {
		return nil, errPassword // nobody is called that
	}
	if err := s.attempts.take(ctx, r, req.GetName()); err != nil {
		return nil, err
	}
	a, err := s.cfg.Store.AccountByName(ctx, r, req.GetName())
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return nil, err
	}
	// Of who is not there the hash is empty, and costs the same.
	ok, err := s.cfg.Passwords.Verify(ctx, a.PasswordHash, req.GetPassword())
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errPassword
	}
	if auth.Outdated(a.PasswordHash) {
		s.rehash(ctx, a, req.GetPassword())
	}
	tokens, err := s.signIn(ctx, a.User, device)
	if err != nil {
		return nil, err
	}
	return &chatv1.SignInResponse{User: protoUser(a.User), Tokens: tokens}, nil
}

// rehash keeps a password at the cost of today, while it is at hand. When that fails the
// next sign-in tries again.
func (s *Service) rehash(ctx context.Context, a chat.Account, password string) {
	hash, err := s.cfg.Passwords.Hash(ctx, password)
	if err == nil {
		err = s.cfg.Store.Rehash(ctx, a.ID, a.PasswordHash, hash)
	}
	if err != nil {
		s.cfg.Log.Warn("a password hash of an older cost is not renewed", "user", a.ID, "err", err)
	}
}

// signIn begins a family of tokens.
func (s *Service) signIn(ctx context.Context, u chat.User, d chat.DeviceID) (*chatv1.Tokens, error) {
	f, refresh, err := s.cfg.Tokens.NewFamily(u.Realm, u.ID, d)
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Store.AddFamily(ctx, f); err != nil {
		return nil, err
	}
	return s.tokens(f, refresh)
}

// tokens are what a client gets for a family.
func (s *Service) tokens(f chat.Family, refresh string) (*chatv1.Tokens, error) {
	access, expires, err := s.cfg.Tokens.Access(chat.Caller{Realm: f.Realm, User: f.User, Family: f.ID})
	if err != nil {
		return nil, err
	}
	return &chatv1.Tokens{
		Access: access, AccessExpiresAt: timestamppb.New(expires),
		Refresh: refresh, RefreshExpiresAt: timestamppb.New(f.Expires),
	}, nil
}

// Refresh trades a refresh token for new tokens.
func (s *Service) Refresh(ctx context.Context, req *chatv1.RefreshRequest) (*chatv1.RefreshResponse, error) {
	request := chat.RequestID(req.GetRequestId())
	if err := request.Check(); err != nil {
		return nil, err
	}
	r, refresh, err := s.cfg.Tokens.Next(req.GetRefresh(), request)
	if err != nil {
		return nil, err
	}
	f, duplicate, err := s.cfg.Store.Rotate(ctx, r)
	if errors.Is(err, chat.ErrRevoked) {
		s.end(ctx, r.Family)
	}
	if err != nil {
		return nil, err
	}
	users, err := s.cfg.Store.Users(ctx, f.Realm, []chat.UserID{f.User}, nil)
	switch {
	case err != nil:
		return nil, err
	case len(users) == 0 || !s.cfg.Tokens.Serves(f.Realm):
		return nil, fault.New(fault.Unauthenticated, "this account is no more")
	}
	tokens, err := s.tokens(f, refresh)
	if err != nil {
		return nil, err
	}
	return &chatv1.RefreshResponse{User: protoUser(users[0]), Tokens: tokens, Duplicate: proto.Bool(duplicate)}, nil
}

// SignOut ends a sign-in.
func (s *Service) SignOut(ctx context.Context, req *chatv1.SignOutRequest) (*chatv1.SignOutResponse, error) {
	id, hash, err := auth.ParseRefresh(req.GetRefresh())
	if err != nil {
		return nil, err
	}
	if err := s.cfg.Store.Revoke(ctx, id, hash); err != nil {
		return nil, err
	}
	return &chatv1.SignOutResponse{}, nil
}

// GetUsers returns users of the caller's realm.
func (s *Service) GetUsers(ctx context.Context, req *chatv1.GetUsersRequest) (*chatv1.GetUsersResponse, error) {
	c, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetIds()) > chat.MaxUsersPerRequest || len(req.GetNames()) > chat.MaxUsersPerRequest {
		return nil, errManyUsers
	}
	ids := possible(req.GetIds())
	names := make([]string, 0, len(req.GetNames()))
	for _, name := range req.GetNames() {
		if chat.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	users, err := s.cfg.Store.Users(ctx, c.Realm, ids, names)
	if err != nil {
		return nil, err
	}
	res := &chatv1.GetUsersResponse{}
	for _, u := range users {
		res.Users = append(res.Users, protoUser(u))
	}
	return res, nil
}
