package worker

import (
	"context"
	"errors"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

var errStale = fault.New(fault.Stale, "")

// Affected is what a command did that is meant for all conns of a user or group.
type Affected struct {
	Conns int      // conns that it changed
	Lost  []string // gateways (their nodes) that left, with their conns, or did not answer; these make an error too
}

// Bind ties a conn to a user, in place of the one it had. When it returns nil,
// whatever anybody sends to the user from then on reaches the conn.
func (s *Sender) Bind(ctx context.Context, id connid.ID, user string) error {
	if err := checkName("user", user); err != nil {
		return err
	}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Bind{Bind: &gatewayv1.Bind{Conn: refOf(id), User: user}}})
}

// Unbind unties a conn from a user; from whichever it has when user is "".
func (s *Sender) Unbind(ctx context.Context, id connid.ID, user string) error {
	if user != "" {
		if err := checkName("user", user); err != nil {
			return err
		}
	}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: refOf(id), User: user}}})
}

// Join puts a conn into groups. When it returns nil, whatever anybody sends to
// them from then on reaches the conn.
func (s *Sender) Join(ctx context.Context, id connid.ID, groups ...string) error {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return err
	}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Join{Join: &gatewayv1.Join{Target: targetConn(id), Groups: groups}}})
}

// Leave takes a conn out of groups.
func (s *Sender) Leave(ctx context.Context, id connid.ID, groups ...string) error {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return err
	}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: targetConn(id), Groups: groups}}})
}

// JoinUser puts every conn that a user has now into groups.
func (s *Sender) JoinUser(ctx context.Context, user string, groups ...string) (Affected, error) {
	if err := errors.Join(checkName("user", user), checkNames("group", groups)); err != nil || len(groups) == 0 {
		return Affected{}, err
	}
	return s.user(ctx, user, &gatewayv1.Command{Do: &gatewayv1.Command_Join{Join: &gatewayv1.Join{Target: targetUser(user), Groups: groups}}})
}

// LeaveUser takes every conn of a user out of groups. When it returns nil, sends
// to the groups from then on do not reach the user.
func (s *Sender) LeaveUser(ctx context.Context, user string, groups ...string) (Affected, error) {
	if err := errors.Join(checkName("user", user), checkNames("group", groups)); err != nil || len(groups) == 0 {
		return Affected{}, err
	}
	return s.user(ctx, user, &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: targetUser(user), Groups: groups}}})
}

// Close ends a conn after what is queued for it, and after last (at most one
// frame), has left. A code of 0 is 1000; the reason has at most 123 bytes.
func (s *Sender) Close(ctx context.Context, id connid.ID, code fault.CloseCode, reason string, last ...Frame) error {
	how, err := closeConn(code, reason, last)
	if err != nil {
		return err
	}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: targetConn(id), Close: how}}})
}

// Kill ends a conn at once; what is queued for it is thrown away.
func (s *Sender) Kill(ctx context.Context, id connid.ID) error {
	how := &gatewayv1.CloseConn{Now: true}
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: targetConn(id), Close: how}}})
}

// Confirm ends the probation of a conn that was let in with ConfirmWithin.
func (s *Sender) Confirm(ctx context.Context, id connid.ID) error {
	return s.one(ctx, id, &gatewayv1.Command{Do: &gatewayv1.Command_Confirm{Confirm: &gatewayv1.Confirm{Conn: refOf(id)}}})
}

func refOf(id connid.ID) *gatewayv1.ConnRef { return &gatewayv1.ConnRef{Conn: id.Conn} }

func targetConn(id connid.ID) *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_Conn{Conn: refOf(id)}}
}

func targetUser(user string) *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_User{User: user}}
}

func targetGroup(group string) *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_Group{Group: group}}
}

func closeConn(code fault.CloseCode, reason string, last []Frame) (*gatewayv1.CloseConn, error) {
	if err := checkClose(code, reason); err != nil {
		return nil, err
	}
	how := &gatewayv1.CloseConn{Code: uint32(code), Reason: reason}
	switch len(last) {
	case 0:
	case 1:
		if last[0].err != nil {
			return nil, last[0].err
		}
		how.Last = frameOf(last[0].body.Binary, last[0].body.Payload)
	default:
		return nil, invalid("one frame can be sent before a close, not %d", len(last))
	}
	return how, nil
}

func frameOf(binary bool, payload []byte) *gatewayv1.Frame {
	op := gatewayv1.Opcode_OPCODE_TEXT
	if binary {
		op = gatewayv1.Opcode_OPCODE_BINARY
	}
	return &gatewayv1.Frame{Opcode: op, Payload: payload}
}
