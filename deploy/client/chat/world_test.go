package chatclient

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// world is a chat in memory that keeps its promises and is as unhandy as they allow:
// pushes are late, doubled and overtake each other, conns end at any moment, answers
// are lost, errors are temporary although the thing was done.
type world struct {
	s *stage

	mu    sync.Mutex
	rng   *rand.Rand
	calm  bool  // no faults any more
	clock int64 // of commits
	convs map[string]*place
	peers map[*peer]*seat
}

// seat is who sits at a conn.
type seat struct {
	user string
	open map[string]bool
}

type place struct {
	id       string
	kind     chatv1.ConversationType
	messages []*chatv1.Message // as they are now
	changes  []*chatv1.Change
	requests map[string]int64 // seq or rev, by user and request id
	members  map[string]*attendance
	changed  int64
}

type attendance struct {
	from, read, changed int64
	left                bool
}

func newWorld(s *stage, seed uint64) *world {
	w := &world{s: s, rng: rand.New(rand.NewPCG(seed, 1)), convs: map[string]*place{}, peers: map[*peer]*seat{}, clock: 1}
	for method, h := range map[string]func(*peer, *seat, *asked) (proto.Message, error){
		"openSession": w.openSession, "listHeads": w.listHeads, "getConversation": w.getConversation, "openConversation": w.openConversation,
		"sendMessage": w.sendMessage, "getMessages": w.getMessages, "getChanges": w.getChanges, "editMessage": w.editMessage,
		"recallMessage": w.recallMessage, "markRead": w.markRead, "leaveConversation": w.leaveConversation, "addMembers": w.addMembers,
		"getPresence": func(*peer, *seat, *asked) (proto.Message, error) { return &chatv1.GetPresenceResponse{}, nil },
	} {
		s.handle(method, func(p *peer, a *asked) { w.serve(p, a, h) })
	}
	return w
}

func (w *world) add(id string, kind chatv1.ConversationType, users ...string) {
	v := &place{id: id, kind: kind, requests: map[string]int64{}, members: map[string]*attendance{}}
	for _, u := range users {
		v.members[u] = &attendance{from: 1}
	}
	w.convs[id] = v
}

// chance is one in n, while there are faults.
func (w *world) chance(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.calm && w.rng.IntN(n) == 0
}

func (w *world) delay(most time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.rng.Int64N(int64(most)))
}

func (w *world) serve(p *peer, a *asked, h func(*peer, *seat, *asked) (proto.Message, error)) {
	time.Sleep(w.delay(20 * time.Millisecond))
	if w.chance(30) {
		p.fail(a, fault.Unavailable, w.delay(200*time.Millisecond))
		return
	}
	w.mu.Lock()
	if w.peers[p] == nil {
		w.peers[p] = &seat{open: map[string]bool{}}
	}
	res, err := h(p, w.peers[p], a)
	w.mu.Unlock()
	switch {
	case err != nil:
		p.fail(a, fault.CodeOf(err), 0)
	case w.chance(60): // it was done, and its answer is lost
		p.cut()
	case w.chance(60): // nobody knows whether it was done
		p.fail(a, fault.Unavailable, 0)
	case w.chance(100): // the handler died after the commit
	default:
		time.Sleep(w.delay(20 * time.Millisecond))
		p.answer(a, res)
	}
}

// tell pushes to the conns of users, or to those that look at a room. w.mu is held: it is
// the moment after the commit.
func (w *world) tell(origin *peer, v *place, also []string, method string, m proto.Message) {
	m = proto.Clone(m)
	for p, seat := range w.peers {
		in := v.members[seat.user]
		to := in != nil && !in.left || slices.Contains(also, seat.user)
		if v.kind == roomKind {
			to = seat.open[v.id]
		}
		if p == origin || seat.user == "" || !to {
			continue
		}
		times := 1
		switch {
		case w.calm:
		case w.rng.IntN(8) == 0:
			times = 2
		case w.rng.IntN(40) == 0: // lost with its worker
			times = 0
			lag := time.Duration(w.rng.Int64N(int64(2 * time.Second)))
			w.s.all.Go(func() {
				time.Sleep(lag)
				p.push("resync", &chatv1.ResyncPush{})
			})
		}
		for range times {
			lag := time.Duration(w.rng.Int64N(int64(20 * time.Millisecond)))
			if w.rng.IntN(6) == 0 {
				lag *= 50
			}
			w.s.all.Go(func() {
				time.Sleep(lag)
				p.push(method, m)
			})
		}
	}
}

const (
	roomKind  = chatv1.ConversationType_CONVERSATION_TYPE_ROOM
	groupKind = chatv1.ConversationType_CONVERSATION_TYPE_GROUP
	textKind  = chatv1.MessageKind_MESSAGE_KIND_TEXT
)

// at returns a conversation that a user may read.
func (w *world) at(id, user string) (*place, *attendance, error) {
	v := w.convs[id]
	switch {
	case v == nil:
		return nil, nil, fault.New(fault.NotFound, "")
	case v.members[user] != nil && !v.members[user].left:
		return v, v.members[user], nil
	case v.kind == roomKind:
		return v, &attendance{}, nil
	}
	return nil, nil, fault.New(fault.NotFound, "")
}

func (v *place) head(a *attendance) *chatv1.Head {
	h := &chatv1.Head{Conversation: v.id, Type: v.kind}
	if a.left {
		h.Left = true
		return h
	}
	h.Seq, h.Rev, h.ReadSeq, h.FromSeq = int64(len(v.messages)), int64(len(v.changes)), a.read, a.from
	h.Unread = v.unread(a)
	return h
}

func (v *place) unread(a *attendance) (n int64) {
	for _, m := range v.messages {
		if m.GetKind() == textKind && m.GetSeq() > a.read && m.GetSeq() >= a.from {
			n++
		}
	}
	return n
}

func (v *place) view(a *attendance) *chatv1.Conversation {
	role := chatv1.Role_ROLE_MEMBER
	if a.from == 0 {
		role = chatv1.Role_ROLE_UNSPECIFIED
	}
	return &chatv1.Conversation{Id: v.id, Type: v.kind, Role: role, Head: v.head(a)}
}

func params[P proto.Message](w *world, a *asked, p P) P {
	a.read(w.s.t, p)
	return p
}

func (w *world) openSession(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.OpenSessionRequest{})
	seat.user = req.GetToken()
	heads, more, complete, cursor := w.heads(seat.user, req.GetCursor())
	return &chatv1.OpenSessionResponse{
		User: &chatv1.User{Id: seat.user}, HeartbeatSeconds: 3600, Heads: heads, More: proto.Bool(more), Complete: proto.Bool(complete), Cursor: cursor,
	}, nil
}

func (w *world) listHeads(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	heads, more, complete, cursor := w.heads(seat.user, params(w, a, &chatv1.ListHeadsRequest{}).GetCursor())
	return &chatv1.ListHeadsResponse{Heads: heads, More: proto.Bool(more), Complete: proto.Bool(complete), Cursor: cursor}, nil
}

// heads is a page of two. A cursor says since when, when the look began, and after what.
func (w *world) heads(user, cursor string) (heads []*chatv1.Head, more, complete bool, next string) {
	var since, until int64
	after := ""
	if cursor != "" {
		if n, err := fmt.Sscanf(strings.ReplaceAll(cursor, "/", " "), "%d %d %s", &since, &until, &after); n < 2 {
			w.s.t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if until == 0 {
		until = w.clock
	}
	for _, id := range slices.Sorted(mapKeys(w.convs)) {
		v := w.convs[id]
		m := v.members[user]
		if m == nil || id <= after || since == 0 && m.left || since > 0 && m.changed < since && (m.left || v.changed < since) {
			continue
		}
		if len(heads) == 2 {
			return heads, true, since == 0, fmt.Sprintf("%d/%d/%s", since, until, heads[1].GetConversation())
		}
		heads = append(heads, v.head(m))
	}
	return heads, false, since == 0, fmt.Sprintf("%d/0", max(until-3, 1))
}

func (w *world) getConversation(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	v, m, err := w.at(params(w, a, &chatv1.GetConversationRequest{}).GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	return &chatv1.GetConversationResponse{Conversation: v.view(m)}, nil
}

func (w *world) openConversation(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	v, m, err := w.at(params(w, a, &chatv1.OpenConversationRequest{}).GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	seat.open[v.id] = true
	return &chatv1.OpenConversationResponse{Conversation: v.view(m)}, nil
}

// store gives a message its number and tells of it.
func (w *world) store(origin *peer, v *place, m *chatv1.Message, also ...string) {
	w.clock++
	v.changed = w.clock
	m.Conversation, m.Seq, m.SentAt = v.id, int64(len(v.messages)+1), timestamppb.Now()
	v.messages = append(v.messages, m)
	out := proto.CloneOf(m)
	out.RequestId = ""
	w.tell(origin, v, also, "message", &chatv1.MessagePush{Message: out})
}

func (w *world) sendMessage(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.SendMessageRequest{})
	v, m, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	if v.members[seat.user] == nil {
		return nil, fault.New(fault.Forbidden, "")
	}
	key := seat.user + "/" + req.GetRequestId()
	if seq := v.requests[key]; seq > 0 {
		return &chatv1.SendMessageResponse{Message: proto.CloneOf(v.messages[seq-1]), Duplicate: proto.Bool(true)}, nil
	}
	msg := &chatv1.Message{Sender: seat.user, Kind: textKind, Text: req.GetText(), RequestId: req.GetRequestId()}
	w.store(p, v, msg)
	v.requests[key], m.read = msg.GetSeq(), msg.GetSeq()
	return &chatv1.SendMessageResponse{Message: proto.CloneOf(msg)}, nil
}

func (w *world) getMessages(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.GetMessagesRequest{})
	v, m, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	res := &chatv1.GetMessagesResponse{FirstSeq: max(m.from, 1), HeadSeq: int64(len(v.messages)), HeadRev: int64(len(v.changes))}
	var all []*chatv1.Message
	for _, msg := range v.messages {
		if seq := msg.GetSeq(); seq >= m.from && seq > req.GetAfter() && (req.GetBefore() == 0 || seq < req.GetBefore()) {
			out := proto.CloneOf(msg)
			if out.GetSender() != seat.user {
				out.RequestId = ""
			}
			all = append(all, out)
		}
	}
	if limit := int(req.GetLimit()); len(all) > limit {
		res.More = proto.Bool(true)
		if req.GetAfter() > 0 {
			all = all[:limit]
		} else {
			all = all[len(all)-limit:]
		}
	}
	res.Messages = all
	return res, nil
}

func (w *world) getChanges(_ *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.GetChangesRequest{})
	v, _, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	res := &chatv1.GetChangesResponse{HeadRev: int64(len(v.changes))}
	rest := v.changes[min(req.GetAfter(), res.GetHeadRev()):]
	if len(rest) > 12 {
		res.RefetchFrom = slices.MinFunc(rest, func(a, b *chatv1.Change) int { return cmp.Compare(a.GetSeq(), b.GetSeq()) }).GetSeq()
		return res, nil
	}
	for _, ch := range rest[:min(len(rest), int(req.GetLimit()))] {
		out := proto.CloneOf(ch)
		if v.messages[ch.GetSeq()-1].GetRev() != ch.GetRev() {
			out.Text = ""
		}
		res.Changes = append(res.Changes, out)
	}
	res.More = proto.Bool(len(res.GetChanges()) < len(rest))
	return res, nil
}

func (w *world) amend(p *peer, user, id, request string, ch *chatv1.Change) (*chatv1.Change, error) {
	v, _, err := w.at(id, user)
	if err != nil {
		return nil, err
	}
	if rev := v.requests[user+"/"+request]; rev > 0 {
		return proto.CloneOf(v.changes[rev-1]), nil
	}
	if ch.GetSeq() < 1 || ch.GetSeq() > int64(len(v.messages)) {
		return nil, fault.New(fault.NotFound, "")
	}
	m := v.messages[ch.GetSeq()-1]
	if m.GetRecalled() || m.GetSender() != user {
		return nil, fault.New(fault.Conflict, "")
	}
	w.clock++
	v.changed = w.clock
	ch.Conversation, ch.Rev, ch.Actor = v.id, int64(len(v.changes)+1), user
	m.Text, m.Rev, m.Recalled = ch.GetText(), ch.GetRev(), ch.GetKind() == chatv1.ChangeKind_CHANGE_KIND_RECALLED
	v.changes = append(v.changes, ch)
	v.requests[user+"/"+request] = ch.GetRev()
	w.tell(p, v, nil, "messageChanged", &chatv1.MessageChangedPush{Change: ch})
	return proto.CloneOf(ch), nil
}

func (w *world) editMessage(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.EditMessageRequest{})
	ch, err := w.amend(p, seat.user, req.GetConversation(), req.GetRequestId(),
		&chatv1.Change{Seq: req.GetSeq(), Kind: chatv1.ChangeKind_CHANGE_KIND_EDITED, Text: req.GetText()})
	return &chatv1.EditMessageResponse{Change: ch}, err
}

func (w *world) recallMessage(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.RecallMessageRequest{})
	ch, err := w.amend(p, seat.user, req.GetConversation(), req.GetRequestId(),
		&chatv1.Change{Seq: req.GetSeq(), Kind: chatv1.ChangeKind_CHANGE_KIND_RECALLED})
	return &chatv1.RecallMessageResponse{Change: ch}, err
}

func (w *world) markRead(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.MarkReadRequest{})
	v, m, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	if v.members[seat.user] == nil {
		return nil, fault.New(fault.Forbidden, "")
	}
	if seq := min(req.GetSeq(), int64(len(v.messages))); seq > m.read {
		w.clock++
		m.read, m.changed = seq, w.clock
		w.tell(p, v, nil, "receipt", &chatv1.ReceiptPush{Conversation: v.id, User: seat.user, ReadSeq: seq, Unread: v.unread(m)})
	}
	return &chatv1.MarkReadResponse{ReadSeq: m.read, Unread: v.unread(m)}, nil
}

func (w *world) leaveConversation(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.LeaveConversationRequest{})
	v, m, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	w.store(nil, v, &chatv1.Message{Sender: seat.user, Kind: chatv1.MessageKind_MESSAGE_KIND_LEFT}, seat.user)
	m.left, m.changed = true, w.clock
	w.tell(p, v, []string{seat.user}, "conversationChanged", &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{Id: v.id, Type: v.kind}, Left: true})
	return &chatv1.LeaveConversationResponse{}, nil
}

func (w *world) addMembers(p *peer, seat *seat, a *asked) (proto.Message, error) {
	req := params(w, a, &chatv1.AddMembersRequest{})
	v, m, err := w.at(req.GetConversation(), seat.user)
	if err != nil {
		return nil, err
	}
	var fresh []string
	for _, u := range req.GetUsers() {
		if old := v.members[u]; old == nil || old.left {
			fresh = append(fresh, u)
			v.members[u] = &attendance{from: int64(len(v.messages) + 1), read: int64(len(v.messages)), changed: w.clock + 1}
		}
	}
	if len(fresh) > 0 {
		w.store(nil, v, &chatv1.Message{Sender: seat.user, Kind: chatv1.MessageKind_MESSAGE_KIND_ADDED, Users: fresh})
		w.tell(p, v, nil, "conversationChanged", &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{Id: v.id, Type: v.kind, Head: &chatv1.Head{Seq: int64(len(v.messages))}}})
	}
	return &chatv1.AddMembersResponse{Conversation: v.view(m)}, nil
}
