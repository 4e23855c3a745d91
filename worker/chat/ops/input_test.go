package ops_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat"
)

// TestFramesThatAreNoCallsAreAnsweredAndEndNothing has what can arrive in a frame.
func TestFramesThatAreNoCallsAreAnsweredAndEndNothing(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	deep := func(open, shut string) string { return strings.Repeat(open, 10_000) + strings.Repeat(shut, 10_000) }
	calls := strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"listHeads"},`, 51)
	for name, test := range map[string]struct {
		frame string
		code  string
	}{
		"nothing":                {"", "-32700"},
		"no JSON":                {`{"jsonrpc":"2.0","id":1,"method":`, "-32700"},
		"two values":             {`{} {}`, "-32700"},
		"a word":                 {`hello`, "-32700"},
		"a number":               {`7`, "-32600"},
		"an empty batch":         {`[]`, "-32600"},
		"51 calls":               {`[` + strings.TrimSuffix(calls, ",") + `]`, "-32600"},
		"10,000 arrays":          {deep("[", "]"), "-32700"},
		"10,000 objects":         {deep(`{"a":`, "}"), "-32700"},
		"deep params":            {`{"jsonrpc":"2.0","id":1,"method":"listHeads","params":{"x":` + deep("[", "]") + `}}`, "-32700"},
		"another version":        {`{"jsonrpc":"1.0","id":1,"method":"listHeads"}`, "-32600"},
		"no method":              {`{"jsonrpc":"2.0","id":1}`, "-32600"},
		"a method of a number":   {`{"jsonrpc":"2.0","id":1,"method":7}`, "-32600"},
		"an id of an object":     {`{"jsonrpc":"2.0","id":{},"method":"listHeads"}`, "-32600"},
		"an unknown method":      {`{"jsonrpc":"2.0","id":1,"method":"ListHeads"}`, "-32601"},
		"a method of gRPC":       {`{"jsonrpc":"2.0","id":1,"method":"/parley.chat.v1.ChatService/ListHeads"}`, "-32601"},
		"params in a list":       {`{"jsonrpc":"2.0","id":1,"method":"listHeads","params":["x"]}`, "-32602"},
		"a cursor of a number":   {`{"jsonrpc":"2.0","id":1,"method":"listHeads","params":{"cursor":7}}`, "-32602"},
		"a seq of a word":        {`{"jsonrpc":"2.0","id":1,"method":"markRead","params":{"conversation":"c","seq":"x"}}`, "-32602"},
		"a seq above 64 bits":    {`{"jsonrpc":"2.0","id":1,"method":"markRead","params":{"conversation":"c","seq":"9223372036854775808"}}`, "-32602"},
		"a seq with a fraction":  {`{"jsonrpc":"2.0","id":1,"method":"markRead","params":{"conversation":"c","seq":1.5}}`, "-32602"},
		"users of an object":     {`{"jsonrpc":"2.0","id":1,"method":"createGroup","params":{"users":{}}}`, "-32602"},
		"a field twice":          {`{"jsonrpc":"2.0","id":1,"method":"listHeads","params":{"cursor":"a","cursor":"b"}}`, "-32602"},
		"invalid UTF-8":          {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"listHeads\",\"params\":{\"cursor\":\"\xff\"}}", "-32602"},
		"half a surrogate":       {`{"jsonrpc":"2.0","id":1,"method":"createRoom","params":{"name":"\ud800","requestId":"r"}}`, "-32602"},
		"another call's session": {`{"jsonrpc":"2.0","id":1,"method":"openSession","params":{"token":[]}}`, "-32602"},
	} {
		ann.SendText(test.frame)
		if got := string(ann.Next().Payload); !strings.Contains(got, `"error":{"code":`+test.code+`,`) {
			t.Errorf("%s: got %.300s, want %s", name, got, test.code)
		}
	}
	ann.SendBinary([]byte(`{"jsonrpc":"2.0","id":1,"method":"listHeads"}`))
	if got := string(ann.Next().Payload); !strings.Contains(got, `"code":-32600,`) {
		t.Errorf("binary: got %s", got)
	}
	ann.must("listHeads", params{"unknown": map[string]any{"fields": "are ignored"}})
}

// TestEverythingButSigningInNeedsASession names what does not; a new rpc needs one unless
// it is added here too.
func TestEverythingButSigningInNeedsASession(t *testing.T) {
	s := newStage(t)
	free := []string{"getServer", "openSession", "refresh", "signIn", "signInGuest", "signOut", "signUp"}
	p := s.from("192.0.2.1:1")
	var got []string
	for _, method := range slices.Sorted(maps.Keys(rpcs())) {
		r := p.call(method, nil)
		if r.Error == nil || r.Error.Message != "openSession comes first" || r.reason() != "UNAUTHENTICATED" {
			got = append(got, method)
		}
	}
	if !slices.Equal(got, free) {
		t.Errorf("without a session one may %q, want %q", got, free)
	}
	if !p.OnProbation() {
		t.Error("its time runs no more")
	}
}

// TestBadParamsAreRefused is a table of what fields may not hold: the wrong is named, and
// nothing has happened.
func TestBadParamsAreRefused(t *testing.T) {
	s := newStage(t)
	ann, bob, cyd := s.online("ann"), s.online("bob"), s.online("cyd")
	id := ann.direct(bob)
	group := ann.must("createGroup", params{"name": "g", "users": []chat.UserID{bob.who.User}, "requestId": request()}).text("conversation", "id")
	bob.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "hello"})
	long, megabyte := strings.Repeat("x", 10_000), strings.Repeat("x", 1_000_000)
	nobody := "01900000-0000-7000-8000-000000000000"
	message := func(change params) params {
		p := params{"conversation": id, "requestId": "m", "text": "x"}
		maps.Copy(p, change)
		return p
	}
	edit := func(change params) params {
		p := params{"conversation": id, "requestId": "e", "text": "x", "seq": "1", "baseRev": "0"}
		maps.Copy(p, change)
		return p
	}
	sign := func(change params) params {
		p := params{"name": "dee", "password": "12345678", "device": "d", "requestId": "r"}
		maps.Copy(p, change)
		return p
	}
	for _, test := range []struct {
		name, method, reason string
		args                 params
	}{
		{"no conversation", "sendMessage", "INVALID", message(params{"conversation": ""})},
		{"a conversation that is none", "sendMessage", "NOT_FOUND", message(params{"conversation": nobody})},
		{"a conversation of 10,000", "sendMessage", "NOT_FOUND", message(params{"conversation": long})},
		{"a conversation of SQL", "sendMessage", "NOT_FOUND", message(params{"conversation": "' OR 1=1 --"})},
		{"an empty text", "sendMessage", "INVALID", message(params{"text": ""})},
		{"a text of blanks", "sendMessage", "INVALID", message(params{"text": " \n\t\u3000"})},
		{"a text with NUL", "sendMessage", "INVALID", message(params{"text": "a\x00b"})},
		{"a text above the bound", "sendMessage", "TOO_LARGE", message(params{"text": strings.Repeat("x", chat.MaxTextBytes+1)})},
		{"a text of a megabyte", "sendMessage", "TOO_LARGE", message(params{"text": megabyte})},
		{"no request", "sendMessage", "INVALID", message(params{"requestId": ""})},
		{"a request of 10,000", "sendMessage", "INVALID", message(params{"requestId": long})},
		{"a request with a blank", "sendMessage", "INVALID", message(params{"requestId": "a b"})},
		{"a request with a control", "sendMessage", "INVALID", message(params{"requestId": "a\nb"})},

		{"a seq of 0", "editMessage", "INVALID", edit(params{"seq": "0"})},
		{"a seq below", "editMessage", "INVALID", edit(params{"seq": "-1"})},
		{"a seq that is none", "editMessage", "NOT_FOUND", edit(params{"seq": "9223372036854775807"})},
		{"another's message", "editMessage", "FORBIDDEN", edit(nil)},
		{"an empty text", "editMessage", "INVALID", edit(params{"text": ""})},
		{"a text of a megabyte", "editMessage", "TOO_LARGE", edit(params{"text": megabyte})},
		{"another's message", "recallMessage", "FORBIDDEN", params{"conversation": id, "seq": "1", "requestId": "c"}},
		{"a seq of 0", "recallMessage", "INVALID", params{"conversation": id, "seq": "0", "requestId": "c"}},
		{"no request", "recallMessage", "INVALID", params{"conversation": id, "seq": "1"}},
		{"a seq of 0", "markRead", "INVALID", params{"conversation": id}},
		{"below", "getMessages", "INVALID", params{"conversation": id, "after": "-1"}},
		{"below", "getMessages", "INVALID", params{"conversation": id, "before": "-9223372036854775808"}},
		{"below", "getChanges", "INVALID", params{"conversation": id, "after": "-1"}},

		{"no user", "createDirect", "INVALID", nil},
		{"a user that is none", "createDirect", "NOT_FOUND", params{"user": nobody}},
		{"a user of 10,000", "createDirect", "NOT_FOUND", params{"user": long}},
		{"no name", "createGroup", "INVALID", params{"requestId": "g"}},
		{"a name of 10,000", "createGroup", "TOO_LARGE", params{"requestId": "g", "name": long}},
		{"a name of controls", "createGroup", "INVALID", params{"requestId": "g", "name": "a\x01\x02b"}},
		{"a name turned around", "createGroup", "INVALID", params{"requestId": "g", "name": "a\u202eb"}},
		{"a name of blanks", "createRoom", "INVALID", params{"requestId": "g", "name": "  "}},
		{"no request", "createRoom", "INVALID", params{"name": "g"}},
		{"a user that is none", "createGroup", "NOT_FOUND", params{"requestId": "g", "name": "g", "users": []string{nobody}}},
		{"nobody", "addMembers", "INVALID", params{"conversation": group, "requestId": "a"}},
		{"a user that is none", "addMembers", "NOT_FOUND", params{"conversation": group, "requestId": "a", "users": []string{nobody}}},
		{"to two", "addMembers", "FORBIDDEN", params{"conversation": id, "requestId": "a", "users": []chat.UserID{cyd.who.User}}},
		{"two", "leaveConversation", "FORBIDDEN", params{"conversation": id, "requestId": "a"}},
		{"neither id nor name", "joinRoom", "INVALID", nil},
		{"a room that is none", "joinRoom", "NOT_FOUND", params{"name": "no such"}},
		{"a group chat", "joinRoom", "FORBIDDEN", params{"conversation": group}},
		{"after 10,000", "listConversations", "NOT_FOUND", params{"after": long}},
		{"after 10,000", "listMembers", "NOT_FOUND", params{"conversation": group, "after": long}},
		{"no device", "openSession", "INVALID", params{"token": ann.token}},
		{"a device of 10,000", "openSession", "INVALID", params{"token": ann.token, "device": long}},

		{"no name", "signUp", "INVALID", sign(params{"name": ""})},
		{"a name of 10,000", "signUp", "TOO_LARGE", sign(params{"name": long})},
		{"a name of controls", "signUp", "INVALID", sign(params{"name": "\x1b[31m"})},
		{"a name with blanks around", "signUp", "INVALID", sign(params{"name": " dee"})},
		{"a short password", "signUp", "INVALID", sign(params{"password": "1234567"})},
		{"a password of 10,000", "signUp", "TOO_LARGE", sign(params{"password": long})},
		{"no device", "signUp", "INVALID", sign(params{"device": ""})},
		{"no request", "signUp", "INVALID", sign(params{"requestId": ""})},
		{"a realm of capitals", "signUp", "INVALID", sign(params{"realm": "Blue"})},
		{"a name to be shown that turns text around", "signUp", "INVALID", sign(params{"displayName": "ann\u202ecod.exe"})},
		{"a name to be shown of controls", "signUp", "INVALID", sign(params{"displayName": "a\nb"})},
		{"a name to be shown of blanks", "signUp", "INVALID", sign(params{"displayName": "  "})},
		{"a name to be shown of 10,000", "signUp", "TOO_LARGE", sign(params{"displayName": long})},
		{"a realm not served", "signUp", "NOT_FOUND", sign(params{"realm": "green"})},
		{"a name of 10,000", "signIn", "UNAUTHENTICATED", params{"name": long, "password": "12345678", "device": "d"}},
		{"a password of 10,000", "signIn", "UNAUTHENTICATED", params{"name": "ann", "password": long, "device": "d"}},
		{"no device", "signIn", "INVALID", params{"name": "ann", "password": "12345678"}},
		{"no token", "refresh", "UNAUTHENTICATED", params{"requestId": "r"}},
		{"a token of 10,000", "refresh", "UNAUTHENTICATED", params{"requestId": "r", "refresh": long}},
		{"no request", "refresh", "INVALID", params{"refresh": "x"}},
		{"no token", "signOut", "UNAUTHENTICATED", nil},
		{"no token", "renew", "UNAUTHENTICATED", nil},
	} {
		r := ann.call(test.method, test.args)
		if r.reason() != test.reason || r.Error.Data.Temporary {
			t.Errorf("%s: %s: got %.300s, want %s", test.method, test.name, r.raw, test.reason)
		}
	}
	bob.refused("CONFLICT", "editMessage", edit(params{"baseRev": "-1"}))
	if r := ann.must("getMessages", params{"conversation": id}); r.text("headSeq") != "1" || r.at("headRev") != nil {
		t.Errorf("something was stored: %s", r.raw)
	}
	if r := ann.must("listConversations", nil); len(r.at("conversations").([]any)) != 3 {
		t.Errorf("something was made: %s", r.raw)
	}

	// What one is not in is not there, whatever one asks of it.
	for method, args := range map[string]params{
		"sendMessage": {"requestId": "m", "text": "x"}, "getMessages": {}, "getChanges": {}, "getConversation": {}, "listMembers": {},
		"editMessage": {"requestId": "e", "text": "x", "seq": "1"}, "recallMessage": {"requestId": "c", "seq": "1"},
		"markRead": {"seq": "1"}, "setTyping": {}, "openConversation": {}, "closeConversation": {},
		"addMembers": {"requestId": "a", "users": []chat.UserID{cyd.who.User}}, "leaveConversation": {"requestId": "l"}, "joinRoom": {},
	} {
		for _, c := range []string{id, group} {
			args["conversation"] = c
			cyd.refused("NOT_FOUND", method, args)
		}
	}
}

func TestUsersThatCannotBeAreLeftOut(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	r := ann.must("getUsers", params{"ids": []string{"' OR 1=1 --", "", strings.Repeat("x", 10_000)}, "names": []string{"\x00", "", "ann"}})
	if list, _ := r.at("users").([]any); len(list) != 1 {
		t.Errorf("got %s", r.raw)
	}
}
