package ops_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/ops"
)

// guests opens a stage that lets guests in.
func guests(t testing.TB, change ...func(*ops.Config)) *stage {
	t.Helper()
	return newStage(t, append(change, func(c *ops.Config) { c.Guests = true })...)
}

// guestRequest is an id of a guest that was not used before.
func guestRequest() string { return "drawn-by-chance-" + request() }

func guest(change params) params {
	p := params{"displayName": "Passer-by", "device": "d", "requestId": guestRequest()}
	for k, v := range change {
		p[k] = v
	}
	return p
}

func TestGuestTalks(t *testing.T) {
	s := guests(t)
	g := s.from("192.0.2.7:1")
	in := g.must("signInGuest", guest(params{"displayName": "过客"}))
	if name := in.text("user", "name"); !regexp.MustCompile(`^guest-[a-z2-7]{8}$`).MatchString(name) {
		t.Errorf("it is called %q", name)
	}
	opened := g.must("openSession", params{"token": in.at("tokens", "access"), "device": "d"})
	for _, r := range []reply{in, opened} {
		if r.text("user", "displayName") != "过客" || r.at("user", "guest") != true || r.text("user", "id") == "" {
			t.Errorf("got %s", r.raw)
		}
	}
	lobby := opened.at("heads").([]any)[0].(map[string]any)["conversation"]
	g.must("sendMessage", params{"conversation": lobby, "requestId": request(), "text": "hello"})
	ann := s.online("ann")
	seen := ann.must("getUsers", params{"ids": []any{in.at("user", "id")}})
	if want := `"users":[{"id":"` + in.text("user", "id") + `","name":"` + in.text("user", "name") + `","displayName":"过客","guest":true}]`; !strings.Contains(seen.raw, want) {
		t.Errorf("another sees %s, want %s", seen.raw, want)
	}
	again := g.must("refresh", params{"refresh": in.at("tokens", "refresh"), "requestId": request()})
	if again.at("user", "guest") != true {
		t.Errorf("after a refresh: %s", again.raw)
	}
}

func TestGuestsAreAllowedOnlyWhereTheyAre(t *testing.T) {
	s := newStage(t)
	p := s.from("192.0.2.7:1")
	if r := p.refused("FORBIDDEN", "signInGuest", guest(nil)); r.Error.Message != "guests are not allowed here" {
		t.Errorf("got %s", r.raw)
	}
	if r := p.must("getServer", nil); r.at("guests") == true {
		t.Errorf("got %s", r.raw)
	}
	s = guests(t)
	p = s.from("192.0.2.7:1")
	if r := p.must("getServer", params{"realm": "blue"}); r.at("guests") != true {
		t.Errorf("got %s", r.raw)
	}
	p.refused("NOT_FOUND", "getServer", params{"realm": "green"})
	p.refused("NOT_FOUND", "signInGuest", guest(params{"realm": "green"}))
}

func TestDemoAccountsAreToldOnlyWhereThereAreSome(t *testing.T) {
	if r := newStage(t).from("192.0.2.7:1").must("getServer", nil); strings.Contains(r.raw, "demoAccounts") {
		t.Errorf("got %s", r.raw)
	}
	s := newStage(t, func(c *ops.Config) {
		c.DemoAccounts = []*chatv1.DemoAccount{{Name: "ann", Password: "123456", DisplayName: "Ann"}}
	})
	r := s.from("192.0.2.7:1").must("getServer", nil)
	if want := `{"name":"ann","password":"123456","displayName":"Ann"}`; !strings.Contains(strings.ReplaceAll(r.raw, " ", ""), want) {
		t.Errorf("got %s", r.raw)
	}
}

func TestNamesOfGuestsAreTheirs(t *testing.T) {
	for _, s := range []*stage{guests(t), newStage(t)} { // they may be let in some day
		p := s.from("192.0.2.7:1")
		sign := func(name, display string) params {
			return params{"name": name, "displayName": display, "password": "12345678", "device": "d", "requestId": request()}
		}
		for _, name := range []string{"guest-abcdefgh", "Guest-7", "GUEST-", "gueſt-x"} {
			if r := p.refused("FORBIDDEN", "signUp", sign(name, "")); !strings.Contains(r.Error.Message, "guest-") {
				t.Errorf("%s: %s", name, r.raw)
			}
		}
		for _, name := range []string{"guest", "guests-x", "guest_1", "my-guest-x"} {
			p.must("signUp", sign(name, "Guest-7"))
		}
	}
}

func TestRequestIsOneGuest(t *testing.T) {
	s := guests(t)
	p := s.from("192.0.2.7:1")
	args := guest(nil)
	one := p.must("signInGuest", args)
	two := p.must("signInGuest", args)
	if one.at("user", "id") != two.at("user", "id") || one.at("duplicate") != false || two.at("duplicate") != true {
		t.Errorf("got %s and %s", one.raw, two.raw)
	}
	if one.at("tokens", "refresh") == two.at("tokens", "refresh") {
		t.Error("a repeat got the same token")
	}
	p.refused("CONFLICT", "signInGuest", guest(params{"requestId": args["requestId"], "displayName": "Somebody else"}))
	if blue := p.must("signInGuest", guest(params{"requestId": args["requestId"], "realm": "blue"})); blue.at("user", "id") == one.at("user", "id") {
		t.Error("a realm has another's guest")
	}
	if other := p.must("signInGuest", guest(nil)); other.at("user", "id") == one.at("user", "id") || other.at("user", "name") == one.at("user", "name") {
		t.Errorf("another request: %s", other.raw)
	}
	for reason, bad := range map[string][]params{
		"INVALID":   {{"requestId": ""}, {"requestId": "fifteen-charact"}, {"displayName": ""}, {"displayName": " a"}, {"displayName": "a\u202eb"}, {"device": ""}},
		"TOO_LARGE": {{"displayName": strings.Repeat("x", 65)}},
	} {
		for _, change := range bad {
			p.refused(reason, "signInGuest", guest(change))
		}
	}
}

// TestGuestWhoseNameIsTakenGetsAnother: by somebody who had the idea before.
func TestGuestWhoseNameIsTakenGetsAnother(t *testing.T) {
	s := guests(t)
	p := s.from("192.0.2.7:1")
	args := guest(nil)
	id := chat.RequestID(args["requestId"].(string))
	// Of these one is a user under the very request: the guest must not become that user.
	for try, n := range []chat.NewUser{{PasswordHash: "none", Request: id}, {User: chat.User{Guest: true}, Request: "other-request-000"}} {
		n.Name = ops.GuestName(id, try)
		if _, _, err := s.store.AddUser(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		if r := p.must("signInGuest", args); r.text("user", "name") != ops.GuestName(id, 2) || r.at("duplicate") != (i == 1) {
			t.Errorf("got %s, want %s", r.raw, ops.GuestName(id, 2))
		}
	}
}

// TestNobodySignsInAsAGuest: there is no password that is its.
func TestNobodySignsInAsAGuest(t *testing.T) {
	s := guests(t)
	p := s.from("192.0.2.7:1")
	args := guest(nil)
	name := p.must("signInGuest", args).text("user", "name")
	for _, password := range []string{"", " ", "\x00", "none", "12345678", name, fmt.Sprint(args["requestId"]), strings.Repeat("x", 2000)} {
		p.refused("UNAUTHENTICATED", "signIn", params{"name": name, "password": password, "device": "d"})
	}
	p.refused("FORBIDDEN", "signUp", params{"name": name, "password": "12345678", "device": "d", "requestId": args["requestId"]})
	p.refused("FORBIDDEN", "signUp", params{"name": name, "password": "12345678", "device": "d", "requestId": request()})
	a, err := s.store.AccountByName(context.Background(), "", name)
	if err != nil || a.PasswordHash != "" || !a.Guest {
		t.Errorf("it is kept as %+v, %v", a, err)
	}
}

func TestGuestsComeSlowlyFromOneAddress(t *testing.T) {
	s := guests(t)
	p := s.from("192.0.2.7:1")
	for range ops.AttemptsByAddress {
		if r := p.guess("nobody " + request()); r.reason() != "UNAUTHENTICATED" {
			t.Fatalf("got %s", r.raw)
		}
	}
	p.refused("RATE_LIMITED", "signInGuest", guest(nil))
	s.from("192.0.2.8:1").must("signInGuest", guest(nil))
}

func TestNameThatIsShownIsNobodysAlone(t *testing.T) {
	s := newStage(t)
	p := s.from("192.0.2.7:1")
	sign := func(name, shown, id string) params {
		return params{"name": name, "displayName": shown, "password": "12345678", "device": "d", "requestId": id}
	}
	for _, name := range []string{"ann", "bob"} {
		if r := p.must("signUp", sign(name, "刘备", "r")); r.text("user", "displayName") != "刘备" || r.text("user", "name") != name || r.at("user", "guest") != nil {
			t.Errorf("got %s", r.raw)
		}
	}
	if r := p.must("signIn", params{"name": "ann", "password": "12345678", "device": "d"}); r.text("user", "displayName") != "刘备" {
		t.Errorf("got %s", r.raw)
	}
	p.must("signUp", sign("ann", "刘备", "r"))
	p.refused("CONFLICT", "signUp", sign("ann", "", "r"))
	p.refused("CONFLICT", "signUp", sign("ann", "关羽", "r"))
}
