package push

import (
	"context"
	"unicode/utf8"

	"github.com/parley-im/parley/proto/connid"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// GetSession implements pushv1.PushServiceServer.
func (s *service) GetSession(ctx context.Context, r *pushv1.GetSessionRequest) (*pushv1.GetSessionResponse, error) {
	id, err := connOf(r.GetConn())
	if err != nil {
		return nil, err
	}
	b, version, err := s.sender.Session(ctx, id)
	if err != nil {
		return nil, s.silent(id, err)
	}
	return &pushv1.GetSessionResponse{Session: sessionOf(b, version)}, nil
}

// sessionOf is a session as text, where it is some.
func sessionOf(b []byte, version uint64) *pushv1.Session {
	session := &pushv1.Session{Version: version}
	switch {
	case version == 0:
	case utf8.Valid(b):
		session.Kind = &pushv1.Session_Text{Text: string(b)}
	default:
		session.Kind = &pushv1.Session_Binary{Binary: b}
	}
	return session
}

// SetSession implements pushv1.PushServiceServer.
func (s *service) SetSession(ctx context.Context, r *pushv1.SetSessionRequest) (*pushv1.SetSessionResponse, error) {
	version, err := s.write(r.GetConn(), func(id connid.ID) (uint64, error) {
		return s.sender.SetSession(ctx, id, content(r), still(r.IfVersion)...)
	})
	return &pushv1.SetSessionResponse{Version: version}, err
}

// MergeSession implements pushv1.PushServiceServer.
func (s *service) MergeSession(ctx context.Context, r *pushv1.MergeSessionRequest) (*pushv1.MergeSessionResponse, error) {
	version, err := s.write(r.GetConn(), func(id connid.ID) (uint64, error) {
		return s.sender.MergeSession(ctx, id, []byte(r.GetPatch()), still(r.IfVersion)...)
	})
	return &pushv1.MergeSessionResponse{Version: version}, err
}

// DeleteSessionKeys implements pushv1.PushServiceServer.
func (s *service) DeleteSessionKeys(ctx context.Context, r *pushv1.DeleteSessionKeysRequest) (*pushv1.DeleteSessionKeysResponse, error) {
	if err := some("keys", len(r.GetKeys()), maxEach); err != nil {
		return nil, err
	}
	version, err := s.write(r.GetConn(), func(id connid.ID) (uint64, error) {
		return s.sender.DeleteSessionKeys(ctx, id, r.GetKeys()...)
	})
	return &pushv1.DeleteSessionKeysResponse{Version: version}, err
}

// write is what all writes of sessions have in common.
func (s *service) write(conn string, do func(connid.ID) (uint64, error)) (uint64, error) {
	id, err := connOf(conn)
	if err != nil {
		return 0, err
	}
	version, err := do(id)
	return version, s.silent(id, err)
}

// content is the session that a request has, as bytes.
func content(r interface {
	GetText() string
	GetBinary() []byte
}) []byte {
	if b := r.GetBinary(); b != nil {
		return b
	}
	return []byte(r.GetText())
}

// still is the option of a write that wants a version.
func still(version *uint64) []worker.SessionOption {
	if version == nil {
		return nil
	}
	return []worker.SessionOption{worker.IfVersion(*version)}
}
