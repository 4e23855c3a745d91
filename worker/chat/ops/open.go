package ops

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/rpc"
)

// headsPerPage is how many heads an answer has.
const headsPerPage = 500

var errSocketOnly = fault.New(fault.Unimplemented, "only over a socket")

// OpenSession says who a conn is. Its order is what keeps holes out: the conn is bound
// and has joined its groups, which no sender misses from then on; then the heads are
// read. What is committed before that reading is in them, what is committed after it is
// pushed.
func (s *Service) OpenSession(ctx context.Context, req *chatv1.OpenSessionRequest) (*chatv1.OpenSessionResponse, error) {
	c := rpc.Conn(ctx)
	if c == nil {
		return nil, errSocketOnly
	}
	have := readSession(c.Session())
	token := req.GetToken()
	if token == "" {
		token = have.Token
	}
	caller, expires, err := s.cfg.Tokens.Verify(token)
	if err != nil {
		return nil, err
	}
	device := chat.DeviceID(req.GetDevice())
	if err := device.Check(); err != nil {
		return nil, err
	}
	if have.User != "" && have.User != caller.User {
		return nil, fault.New(fault.Conflict, "this conn is another user's")
	}
	// From here on the client has done its part: if the store is away now, that does not
	// count against its time.
	if err := c.Confirm(ctx); err != nil {
		return nil, err
	}
	attach := func() error { return s.attach(ctx, c, caller, expires, have) }
	var heads chat.Heads
	read := func() (err error) {
		heads, err = s.heads(ctx, caller, req.GetCursor())
		return err
	}
	// The order is the promise.
	steps := [2]func() error{attach, read}
	if faultpoint.Sabotaged(faultpoint.HeadsBeforeBind) {
		steps = [2]func() error{read, attach}
	}
	if err := steps[0](); err != nil {
		return nil, patient(err)
	}
	faultpoint.Hit(faultpoint.ChatBound)
	if err := s.mayOpen(ctx, caller.Family); err != nil {
		return nil, err
	}
	if err := steps[1](); err != nil {
		return nil, patient(err)
	}
	users, err := s.cfg.Store.Users(ctx, caller.Realm, []chat.UserID{caller.User}, nil)
	switch {
	case err != nil:
		return nil, patient(err)
	case len(users) == 0:
		return nil, fault.New(fault.Unauthenticated, "this account is no more")
	}
	now := session{Realm: caller.Realm, User: caller.User, Family: caller.Family, Device: device, Expires: expires.Unix()}
	if err := c.SetSession(now.bytes()); err != nil {
		return nil, err
	}
	return &chatv1.OpenSessionResponse{
		User: protoUser(users[0]), HeartbeatSeconds: int32(s.cfg.Heartbeat / time.Second),
		Heads: protoHeads(heads.Views), More: proto.Bool(heads.More), Cursor: encodeCursor(heads.Next, caller.User),
		Complete: proto.Bool(heads.Complete), TokenExpiresAt: timestamppb.New(expires),
	}, nil
}

// attach binds a conn to its user and puts it into the hub groups of its wide group
// chats and of the minute in which its token ends.
func (s *Service) attach(ctx context.Context, c *worker.Conn, caller chat.Caller, expires time.Time, have session) error {
	if err := c.Bind(ctx, string(caller.User)); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := s.belong(ctx, c, have, caller.Family, expires); err != nil {
		return err
	}
	_, err := s.enter(ctx, c, caller)
	return err
}

// belong puts a conn into the hub groups of its sign-in and of the minute in which its
// token ends, and takes it out of those that it was in before.
func (s *Service) belong(ctx context.Context, c *worker.Conn, have session, family chat.FamilyID, expires time.Time) error {
	now := append(familyGroups(family), expiryGroup(expires))
	var was []string
	if have.User != "" {
		was = append(familyGroups(have.Family), expiryGroup(have.expires()))
	}
	// First in, then out: a worker that dies in between leaves the conn in both, and the
	// call comes again. Nobody is to escape these by being in too many groups: others give
	// way, those that it was in first.
	err := c.Join(ctx, now...)
	for _, other := range less(append(slices.Clip(was), c.Groups()...), now) {
		if !delivery.Crowded(err) {
			break
		}
		if err = c.Leave(ctx, other); err == nil {
			err = c.Join(ctx, now...)
		}
	}
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := c.Leave(ctx, less(was, now)...); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// enter puts a conn into the hub groups of its user's wide group chats, and returns them.
func (s *Service) enter(ctx context.Context, c *worker.Conn, caller chat.Caller) (in []string, err error) {
	// Whoever is added from here on has this conn join too, and who leaves has it leave:
	// what came before that is read. So it is read again until nothing has changed.
	for {
		ids, err := s.cfg.Store.Groups(ctx, caller)
		if err != nil {
			return nil, err
		}
		groups := make([]string, len(ids))
		for i, id := range ids {
			groups[i] = delivery.Group(id)
		}
		join, leave := less(groups, in), less(in, groups)
		if len(join) == 0 && len(leave) == 0 {
			return in, nil
		}
		if err := s.join(ctx, c, caller.User, join); err != nil {
			return nil, err
		}
		if err := c.Leave(ctx, leave...); err != nil {
			return nil, fmt.Errorf("leave: %w", err)
		}
		in = groups
	}
}

// join puts a conn into the hub groups of conversations. It is no error when the conn is
// in too many groups by then: its user must not be kept out by having been added to so
// many, and reads those that found no place.
func (s *Service) join(ctx context.Context, c *worker.Conn, u chat.UserID, groups []string) error {
	err := c.Join(ctx, groups...)
	if err == nil {
		return nil
	}
	if !delivery.Crowded(err) {
		return fmt.Errorf("join: %w", err)
	}
	now, err := s.cfg.Sender.ConnContext(ctx, c.ID())
	if err != nil {
		return fmt.Errorf("look what was joined: %w", err)
	}
	var missed []chat.ConversationID
	for _, group := range less(groups, now.Groups) {
		missed = append(missed, chat.ConversationID(strings.TrimPrefix(group, delivery.Group(""))))
	}
	if len(missed) > 0 {
		s.cfg.Unjoined.Note(c.ID().String(), u, missed...)
	}
	return nil
}

// enterAgain is for a conn that may have been passed over: while its gateway stood still,
// and was out of the cluster, others were added to a group chat, or left it, and it was
// not told. So the conn joins what it has to be in, and leaves what its user has left.
func (s *Service) enterAgain(ctx context.Context, c *worker.Conn, caller chat.Caller) error {
	in, err := s.enter(ctx, c, caller)
	if err != nil {
		return err
	}
	for _, group := range less(c.Groups(), in) {
		id, is := strings.CutPrefix(group, delivery.Group(""))
		if !is {
			continue
		}
		v, err := s.cfg.Store.View(ctx, caller, chat.ConversationID(id))
		switch {
		case err != nil && fault.CodeOf(err) != fault.NotFound:
			return err
		case err == nil && (v.Type == chat.Room || v.Role != chat.Stranger):
			continue // a room that it looks at, or the user was added just now
		}
		if err := c.Leave(ctx, group); err != nil {
			return fmt.Errorf("leave: %w", err)
		}
	}
	return nil
}

// less is all without some.
func less(all, some []string) (rest []string) {
	for _, name := range all {
		if !slices.Contains(some, name) {
			rest = append(rest, name)
		}
	}
	return rest
}

func (s *Service) heads(ctx context.Context, c chat.Caller, cursor string) (chat.Heads, error) {
	return s.cfg.Store.Heads(ctx, c, decodeCursor(cursor, c.User), headsPerPage)
}

// patient spreads the tries of clients that found the store, or a gateway, away: they
// would come back all at once.
func patient(err error) error {
	f := fault.Of(err)
	if !f.Code().Temporary() || f.RetryAfter() > 0 {
		return err
	}
	return fault.New(f.Code(), f.Message()).After(time.Second + rand.N(2*time.Second)).Because(err)
}

// ListHeads goes on where OpenSession or ListHeads said more. Or a client asks that was
// told to resync: then its conn first is where it has to be, as in OpenSession.
func (s *Service) ListHeads(ctx context.Context, req *chatv1.ListHeadsRequest) (*chatv1.ListHeadsResponse, error) {
	c, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if conn := rpc.Conn(ctx); conn != nil {
		if err := s.enterAgain(ctx, conn, c); err != nil {
			return nil, patient(err)
		}
	}
	heads, err := s.heads(ctx, c, req.GetCursor())
	if err != nil {
		return nil, err
	}
	return &chatv1.ListHeadsResponse{
		Heads: protoHeads(heads.Views), More: proto.Bool(heads.More), Cursor: encodeCursor(heads.Next, c.User), Complete: proto.Bool(heads.Complete),
	}, nil
}

// Renew gives a conn a newer token of the same user.
func (s *Service) Renew(ctx context.Context, req *chatv1.RenewRequest) (*chatv1.RenewResponse, error) {
	c := rpc.Conn(ctx)
	if c == nil {
		return nil, errSocketOnly
	}
	have := readSession(c.Session())
	caller, expires, err := s.cfg.Tokens.Verify(req.GetToken())
	switch {
	case err != nil:
		return nil, err
	case caller.User != have.User || caller.Realm != have.Realm:
		return nil, fault.New(fault.Unauthenticated, "the token is another user's")
	}
	if err := s.belong(ctx, c, have, caller.Family, expires); err != nil {
		return nil, patient(err)
	}
	if err := s.mayOpen(ctx, caller.Family); err != nil {
		return nil, err
	}
	have.Expires, have.Family = expires.Unix(), caller.Family
	if err := c.SetSession(have.bytes()); err != nil {
		return nil, err
	}
	return &chatv1.RenewResponse{TokenExpiresAt: timestamppb.New(expires)}, nil
}
