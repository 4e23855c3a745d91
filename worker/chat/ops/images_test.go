package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/workertest"
)

const imageService = "/parley.chat.v1.ImageService/"

// by is the context of what api asks for somebody.
func (p *person) by(method string) context.Context {
	p.s.t.Helper()
	ctx, err := p.s.service.Admit(within(p.s.t), imageService+method, p.token, "")
	if err != nil {
		p.s.t.Fatal(err)
	}
	return ctx
}

func (p *person) issue(id string, i *chatv1.Image) (string, error) {
	p.s.t.Helper()
	res, err := p.s.service.IssueTicket(p.by("IssueTicket"), &chatv1.IssueTicketRequest{Conversation: id, Image: i})
	return res.GetTicket(), err
}

// ticket is issue for what has to go well.
func (p *person) ticket(id string, i *chatv1.Image) string {
	p.s.t.Helper()
	ticket, err := p.issue(id, i)
	if err != nil || ticket == "" {
		p.s.t.Fatalf("got %q, %v", ticket, err)
	}
	return ticket
}

func (p *person) find(id string, seq int64) (*chatv1.Image, error) {
	p.s.t.Helper()
	res, err := p.s.service.FindImage(p.by("FindImage"), &chatv1.FindImageRequest{Conversation: id, Seq: seq})
	return res.GetImage(), err
}

func cat() *chatv1.Image {
	return &chatv1.Image{Type: "image/png", Width: 640, Height: 480, Bytes: 12345, Name: "<b>猫", File: "ab/cat.png"}
}

func TestPictureIsSentByTicketAndFoundByItsMessage(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	send := params{"conversation": id, "requestId": request(), "image": ann.ticket(id, cat())}
	sent := ann.must("sendMessage", send)
	read := bob.must("getMessages", params{"conversation": id})
	for _, r := range []reply{sent, ann.must("sendMessage", send), read} {
		if !strings.Contains(r.raw, `"kind":"MESSAGE_KIND_IMAGE"`) || strings.Contains(r.raw, "cat.png") {
			t.Errorf("got %s", r.raw)
		}
		m, ok := r.at("message").(map[string]any)
		if !ok {
			m = r.at("messages").([]any)[0].(map[string]any)
		}
		b, _ := json.Marshal(m["image"])
		if want := `{"bytes":"12345","height":480,"name":"\u003cb\u003e猫","type":"image/png","width":640}`; string(b) != want || m["text"] != nil {
			t.Errorf("got %s, want %s", b, want)
		}
	}
	if head := bob.must("listHeads", nil); !strings.Contains(head.raw, `"seq":"1","unread":"1"`) {
		t.Errorf("the other's heads: %s", head.raw)
	}
	for _, p := range []*person{ann, bob} {
		if got, err := p.find(id, 1); err != nil || !proto.Equal(got, cat()) {
			t.Errorf("%s finds %v, %v", p.name, got, err)
		}
	}
}

// TestPictureIsForThoseWhoMayReadItNow: not for who came later, has left, or was never in
// it, and for nobody when it was recalled.
func TestPictureIsForThoseWhoMayReadItNow(t *testing.T) {
	s := newStage(t)
	ann, bob, cyd, eve := s.online("ann"), s.online("bob"), s.online("cyd"), s.user("eve")
	id := ann.must("createGroup", params{"name": "g", "users": []chat.UserID{bob.who.User}, "requestId": request()}).text("conversation", "id")
	ann.must("sendMessage", params{"conversation": id, "requestId": request(), "image": ann.ticket(id, cat())})
	ann.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "no picture"})
	ann.must("addMembers", params{"conversation": id, "users": []chat.UserID{cyd.who.User}, "requestId": request()})
	bob.must("leaveConversation", params{"conversation": id, "requestId": request()})
	for name, p := range map[string]*person{"who came later": cyd, "who has left": bob, "a stranger": eve} {
		if got, err := p.find(id, 2); code(err) != "NOT_FOUND" {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for seq, want := range map[int64]string{0: "INVALID", -1: "INVALID", 1: "NOT_FOUND", 2: "", 3: "NOT_FOUND", 99: "NOT_FOUND"} {
		if got, err := ann.find(id, seq); code(err) != want {
			t.Errorf("%d: got %v, %v, want %q", seq, got, err, want)
		}
	}
	ann.refused("FORBIDDEN", "editMessage", params{"conversation": id, "seq": "2", "baseRev": "0", "text": "x", "requestId": request()})
	ann.must("recallMessage", params{"conversation": id, "seq": "2", "requestId": request()})
	if got, err := ann.find(id, 2); code(err) != "NOT_FOUND" {
		t.Errorf("recalled: got %v, %v", got, err)
	}
}

// TestTicketIsIssuedToThoseWhoMaySend answers as sendMessage would.
func TestTicketIsIssuedToThoseWhoMaySend(t *testing.T) {
	s := newStage(t)
	ann, bob, eve := s.online("ann"), s.online("bob"), s.online("eve")
	group := ann.must("createGroup", params{"name": "g", "users": []chat.UserID{bob.who.User}, "requestId": request()}).text("conversation", "id")
	room := ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")
	bob.must("leaveConversation", params{"conversation": group, "requestId": request()})
	for _, p := range []*person{ann, bob, eve} {
		for name, id := range map[string]string{"a group": group, "a room": room, "one that is none": "01900000-0000-7000-8000-000000000000", "nothing": ""} {
			want := p.call("sendMessage", params{"conversation": id, "requestId": request(), "text": "x"}).reason()
			for _, i := range []*chatv1.Image{nil, {}, cat()} {
				if ticket, err := p.issue(id, i); code(err) != want || (ticket == "") != (err != nil || i.GetFile() == "") {
					t.Errorf("%s in %s with %v: got %q, %v, want %q", p.name, name, i, ticket, err, want)
				}
			}
		}
	}
	for reason, change := range map[string]func(*chatv1.Image){
		"INVALID": func(i *chatv1.Image) { i.Type = "text/html" }, "TOO_LARGE": func(i *chatv1.Image) { i.Width = 1 << 20 },
	} {
		i := cat()
		change(i)
		if ticket, err := ann.issue(group, i); code(err) != reason || ticket != "" {
			t.Errorf("%v: got %q, %v", i, ticket, err)
		}
	}
}

func TestTicketIsOneUsersInOneConversation(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	notes := ann.direct(ann)
	good := ann.ticket(id, cat())
	access := ann.token
	foreign, err := s.newTokens("another key of thirty-two bytes..").Ticket(auth.Ticket{User: ann.who.User, Conversation: chat.ConversationID(id), Image: chat.Image{Type: "image/png", Width: 1, Height: 1, Bytes: 1, File: "f"}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(change params) params {
		p := params{"conversation": id, "requestId": request(), "image": good}
		for k, v := range change {
			p[k] = v
		}
		return p
	}
	bob.refused("INVALID", "sendMessage", send(nil))
	for name, bad := range map[string]params{
		"elsewhere": {"conversation": notes}, "with a text": {"text": "x"}, "neither": {"image": ""}, "a token": {"image": access}, "of another key": {"image": foreign}, "none": {"image": "none"},
		"without a request": {"requestId": ""}, "far too long": {"image": strings.Repeat("x", 50_000)},
	} {
		if r := ann.refused("INVALID", "sendMessage", send(bad)); r.Error == nil {
			t.Errorf("%s: got %s", name, r.raw)
		}
	}
	ann.Conn = s.Dial("/", workertest.Subprotocols(subprotocol))
	ann.refused("UNAUTHENTICATED", "openSession", params{"token": good, "device": "d"})
	ann.dial()
	used := send(nil)
	first := ann.must("sendMessage", used)
	other := cat()
	other.File = "ab/dog.png"
	used["image"] = ann.ticket(id, other)
	ann.refused("CONFLICT", "sendMessage", used)
	// A day later it is too late, but for what was sent.
	s.pass(auth.TicketLasts + time.Minute)
	ann.token, _, err = s.tokens.Access(ann.who)
	if err != nil {
		t.Fatal(err)
	}
	ann.dial()
	used["image"] = good
	if again := ann.must("sendMessage", used); again.at("duplicate") != true || again.text("message", "seq") != first.text("message", "seq") {
		t.Errorf("got %s", again.raw)
	}
	if r := ann.refused("INVALID", "sendMessage", send(nil)); !strings.Contains(r.Error.Message, "ended") {
		t.Errorf("got %s", r.raw)
	}
}

// TestImagesAreBehindNoSocket: the service is for api.
func TestImagesAreBehindNoSocket(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	for _, method := range []string{"issueTicket", "findImage"} {
		ann.refused("UNIMPLEMENTED", method, nil)
	}
	for _, method := range []string{"IssueTicket", "FindImage"} {
		if _, err := s.service.Admit(t.Context(), imageService+method, "", ""); code(err) != "UNAUTHENTICATED" {
			t.Errorf("%s without a token: %v", method, err)
		}
	}
	if _, err := s.service.FindImage(t.Context(), &chatv1.FindImageRequest{Conversation: "x", Seq: 1}); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("without a caller: %v", err)
	}
}

func TestAPIIsToldWhichPicturesAreInUse(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	ann.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "before"})
	asked, err := s.service.IssueTicket(ann.by("IssueTicket"), &chatv1.IssueTicketRequest{Conversation: id, Image: &chatv1.Image{}})
	if err != nil || asked.GetSeq() != 1 {
		t.Fatalf("got %v, %v", asked, err)
	}
	ann.must("sendMessage", params{"conversation": id, "requestId": request(), "image": ann.ticket(id, cat())})
	admitted := func(method string) context.Context { // no person asks
		ctx, err := s.service.Admit(within(t), imageService+method, "", "")
		if err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	uses := func() *chatv1.FindUsesResponse {
		t.Helper()
		res, err := s.service.FindUses(admitted("FindUses"), &chatv1.FindUsesRequest{Conversation: id, Files: []string{"ab/dog.png", "ab/cat.png"}, After: asked.GetSeq()})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	recalled := func() []string {
		t.Helper()
		res, err := s.service.FindRecalled(admitted("FindRecalled"), &chatv1.FindRecalledRequest{Uses: []*chatv1.ImageUse{{File: "ab/cat.png", Conversation: id, Seq: 2}}})
		if err != nil {
			t.Fatal(err)
		}
		return res.GetFiles()
	}
	if u := uses(); len(u.GetUses()) != 1 || u.GetUses()[0].GetFile() != "ab/cat.png" || u.GetUses()[0].GetSeq() != 2 || u.GetNext() != 0 || len(recalled()) != 0 {
		t.Errorf("got %v, recalled %q", u, recalled())
	}
	ann.must("recallMessage", params{"conversation": id, "seq": "2", "requestId": request()})
	if u := uses(); len(u.GetUses()) != 0 || len(recalled()) != 1 {
		t.Errorf("recalled: %v, %q", u, recalled())
	}
	if _, err := s.service.FindUses(within(t), &chatv1.FindUsesRequest{Files: make([]string, 201)}); fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("201 at once: %v", err)
	}
}
