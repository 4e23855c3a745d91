package chattest

import (
	"errors"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

func aDisplayNameIsKept(t *testing.T, open Open) {
	w := newWorld(t, open)
	realm := w.realm("shown")
	for i, display := range []string{"", "刘备 (Liú Bèi)", "the same", "the same", strings.Repeat("𝒳", chat.MaxNameRunes), `<b>"'&\%_`} {
		n := chat.NewUser{User: chat.User{Realm: realm, Name: string(rune('a' + i)), Display: display}, PasswordHash: "hash", Request: "one"}
		a, duplicate, err := w.a.AddUser(t.Context(), n)
		if err != nil || duplicate || a.Display != display || a.Guest {
			t.Fatalf("%q: %+v, %v, %v", display, a, duplicate, err)
		}
		if again, duplicate, err := w.b.AddUser(t.Context(), n); err != nil || !duplicate || again != a {
			t.Errorf("%q again: %+v, %v, %v", display, again, duplicate, err)
		}
		if got, err := w.b.AccountByName(t.Context(), realm, n.Name); err != nil || got != a {
			t.Errorf("%q by its name: %+v, %v", display, got, err)
		}
		if got, err := w.b.Users(t.Context(), realm, []chat.UserID{a.ID}, nil); err != nil || len(got) != 1 || got[0] != a.User {
			t.Errorf("%q by its id: %+v, %v", display, got, err)
		}
		n.Display += "?"
		if got, _, err := w.b.AddUser(t.Context(), n); !errors.Is(err, fault.Conflict) || errors.Is(err, chat.ErrNameTaken) {
			t.Errorf("%q as another: %+v, %v", display, got, err)
		}
	}
}

func aGuestIsNobodyElse(t *testing.T, open Open) {
	w := newWorld(t, open)
	realm := w.realm("guests")
	guest := chat.NewUser{User: chat.User{Realm: realm, Name: "guest-1", Display: "Guest", Guest: true}, Request: "one"}
	user := chat.NewUser{User: chat.User{Realm: realm, Name: "user-1"}, PasswordHash: "hash", Request: "one"}
	a, duplicate, err := w.a.AddUser(t.Context(), guest)
	if err != nil || duplicate || !a.Guest || a.Display != "Guest" || a.PasswordHash != "" {
		t.Fatalf("%+v, %v, %v", a, duplicate, err)
	}
	if again, duplicate, err := w.b.AddUser(t.Context(), guest); err != nil || !duplicate || again != a {
		t.Errorf("the guest again: %+v, %v, %v", again, duplicate, err)
	}
	if _, _, err := w.a.AddUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	views, _, err := w.b.Views(t.Context(), chat.Caller{Realm: realm, User: a.ID}, "", 10)
	if err != nil || len(views) != 1 || views[0].Name != chat.Lobby {
		t.Errorf("the guest is in %+v, %v", views, err)
	}
	// Neither comes in as the other, whatever request it knows.
	asUser, asGuest := guest, user
	asUser.Guest, asUser.PasswordHash = false, "hash"
	asGuest.Guest, asGuest.PasswordHash = true, ""
	for name, n := range map[string]chat.NewUser{"a user as a guest": asGuest, "a guest as a user": asUser} {
		if got, _, err := w.b.AddUser(t.Context(), n); !errors.Is(err, fault.Conflict) || !errors.Is(err, chat.ErrNameTaken) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
