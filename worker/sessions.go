package worker

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/mergepatch"
)

// Session reads the session of a conn and its version, 0 when there is none.
func (s *Sender) Session(ctx context.Context, id connid.ID) (session []byte, version uint64, err error) {
	c, err := s.ConnContext(ctx, id)
	return c.Session, c.SessionVersion, err
}

// A SessionOption says when a session is to be written.
type SessionOption func(*sessionOptions)

type sessionOptions struct {
	conditional bool
	version     uint64
}

// IfVersion is compare-and-set: the session is written only if it still has that version,
// as [Sender.Session] or [Conn.SessionVersion] told it; 0: only if there is none. Otherwise
// nothing is written, the error is Conflict, and the version that is returned is the one
// that was in the way.
func IfVersion(version uint64) SessionOption {
	return func(o *sessionOptions) { o.conditional, o.version = true, version }
}

// SetSession replaces the session of a conn and returns the version it has now.
func (s *Sender) SetSession(ctx context.Context, id connid.ID, session []byte, opts ...SessionOption) (version uint64, err error) {
	return s.writeSession(ctx, id, &gatewayv1.SessionWrite{Session: session}, opts)
}

// MergeSession merges a JSON merge patch (RFC 7396) into the session, which has to be a
// JSON object, or none, or empty: objects are merged, null takes a key away, everything
// else replaces what is there; numbers stay as they are written. The gateway does it, so what
// two of them write at once under different keys is both there. It returns the version
// that the session has now.
//
// Invalid: the patch, or what is there, is no JSON object. TooLarge: the session would be.
// Unimplemented: the gateway is of an older version; nothing has changed.
func (s *Sender) MergeSession(ctx context.Context, id connid.ID, patch []byte, opts ...SessionOption) (version uint64, err error) {
	if err := checkPatch(patch); err != nil {
		return 0, err
	}
	return s.writeSession(ctx, id, &gatewayv1.SessionWrite{Session: patch, Merge: true}, opts)
}

// UpdateSession is MergeSession of v's JSON: a struct, or a map from strings. A nil in it
// takes its key away, unless omitempty or omitzero leaves it out.
func (s *Sender) UpdateSession(ctx context.Context, id connid.ID, v any, opts ...SessionOption) (version uint64, err error) {
	patch, err := patchOf(v)
	if err != nil {
		return 0, err
	}
	return s.MergeSession(ctx, id, patch, opts...)
}

// DeleteSessionKeys takes keys out of a session that is a JSON object; keys that are not
// there are none too many. It counts as one write. To do it IfVersion, give UpdateSession
// a map with a nil for each key.
func (s *Sender) DeleteSessionKeys(ctx context.Context, id connid.ID, keys ...string) (version uint64, err error) {
	patch, err := nulls(keys)
	if err != nil {
		return 0, err
	}
	return s.MergeSession(ctx, id, patch)
}

func (s *Sender) writeSession(ctx context.Context, id connid.ID, write *gatewayv1.SessionWrite, opts []SessionOption) (uint64, error) {
	var o sessionOptions
	for _, opt := range opts {
		opt(&o)
	}
	write.Conditional, write.IfVersion = o.conditional, o.version
	g, err := s.gatewayOf(ctx, id)
	if err != nil {
		return 0, err
	}
	r, err := s.worker.ask(ctx, g, &gatewayv1.Command{Do: &gatewayv1.Command_Session{
		Session: &gatewayv1.SetSession{Conn: refOf(id), Write: write},
	}})
	return r.GetSessionVersion(), err
}

// checkPatch lets through one JSON object.
func checkPatch(patch []byte) error {
	if !json.Valid(patch) { // one behind the other are for the link
		return patchError(mergepatch.ErrPatch)
	}
	return patchError(mergepatch.Check(patch))
}

func patchOf(v any) ([]byte, error) {
	patch, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	return patch, nil
}

func nulls(keys []string) ([]byte, error) {
	if len(keys) == 0 {
		return nil, invalid("no keys are given")
	}
	patch, err := mergepatch.Nulls(keys...)
	if err != nil {
		return nil, invalid("a key must be valid UTF-8")
	}
	return patch, nil
}

// patchError gives an error of package mergepatch its code.
func patchError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mergepatch.ErrTooLarge):
		return fault.New(fault.TooLarge, err.Error())
	}
	return fault.New(fault.Invalid, err.Error())
}
