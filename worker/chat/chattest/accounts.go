package chattest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Accounts holds a store to what chat.Accounts promises.
func Accounts(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"ANameIsOneAccount":              aNameIsOneAccount,
		"ADisplayNameIsKept":             aDisplayNameIsKept,
		"AGuestIsNobodyElse":             aGuestIsNobodyElse,
		"FiftySignUpsAtOnceAreOne":       fiftySignUpsAtOnce,
		"AccountsAreFoundByFoldedName":   accountsAreFound,
		"AHashIsRenewedOnce":             aHashIsRenewedOnce,
		"EverybodyIsInTheLobby":          everybodyIsInTheLobby,
		"ATokenIsTradedOnce":             aTokenIsTradedOnce,
		"ALostAnswerIsGivenAgain":        aLostAnswerIsGivenAgain,
		"AnOldTokenEndsTheSignIn":        anOldTokenEndsTheSignIn,
		"ASignInEnds":                    aSignInEnds,
		"ManyTradeATokenAtOnce":          manyTradeATokenAtOnce,
		"ManyRepeatTheTradeOfATokenOnce": manyRepeatATrade,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func aHashIsRenewedOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	a, _, err := w.signUp(w.a, "hashes", "ann", "one")
	if err != nil {
		t.Fatal(err)
	}
	other := w.inRealm("hashes", "bob")[0]
	is := func(name, want string) {
		t.Helper()
		if got, err := w.b.AccountByName(t.Context(), a.Realm, name); err != nil || got.PasswordHash != want {
			t.Errorf("%s: %q, %v; want %q", name, got.PasswordHash, err, want)
		}
	}
	if err := w.b.Rehash(t.Context(), a.ID, "hash of one", "second"); err != nil {
		t.Error(err)
	}
	is("ann", "second")
	if err := w.a.Rehash(t.Context(), a.ID, "hash of one", "third"); err != nil { // it is not that any more
		t.Error(err)
	}
	is("ann", "second")
	if err := w.a.Rehash(t.Context(), other.User, "second", "third"); err != nil { // somebody else's
		t.Error(err)
	}
	is("bob", "hash of sign-up-bob")
}

// signUp makes an account in a realm that has the tag of the world in its name.
func (w *world) signUp(s chat.Store, realm, name, request string) (chat.Account, bool, error) {
	return s.AddUser(w.t.Context(), chat.NewUser{
		User:         chat.User{Realm: w.realm(realm), Name: name},
		PasswordHash: "hash of " + request, Request: chat.RequestID(request),
	})
}

func (w *world) realm(name string) chat.Realm { return chat.Realm(name + "-" + w.tag) }

// inRealm makes users of a realm.
func (w *world) inRealm(realm string, names ...string) (list []chat.Caller) {
	w.t.Helper()
	for _, name := range names {
		a, _, err := w.signUp(w.a, realm, name, "sign-up-"+name)
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, chat.Caller{Realm: a.Realm, User: a.ID})
	}
	return list
}

func aNameIsOneAccount(t *testing.T, open Open) {
	w := newWorld(t, open)
	first, duplicate, err := w.signUp(w.a, "names", "Liu Bei", "one")
	if err != nil || duplicate || first.ID == "" || first.Name != "Liu Bei" || first.Realm != w.realm("names") || first.PasswordHash != "hash of one" {
		t.Fatalf("%+v, %v, %v", first, duplicate, err)
	}
	if again, duplicate, err := w.signUp(w.b, "names", "Liu Bei", "one"); err != nil || !duplicate || again != first {
		t.Errorf("the same request again: %+v, %v, %v; the first was %+v", again, duplicate, err, first)
	}
	for name, request := range map[string]string{"Liu Bei": "another", "LIU BEI": "one", "liu bei": "third"} {
		if got, _, err := w.signUp(w.b, "names", name, request); err == nil || fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%q by request %s: %+v, %v", name, request, got, err)
		}
	}
	// Folding is all that makes names the same: no database has an opinion of its own.
	for i, name := range []string{"Liu Béi", "Liu Be\u0301i", "Liú Bei", "刘备", "劉備", "Ｌｉｕ Bei", "Liu  Bei", "💙", strings.Repeat("𝒳", chat.MaxNameRunes)} {
		if got, duplicate, err := w.signUp(w.a, "names", name, fmt.Sprint("other-", i)); err != nil || duplicate || got.ID == first.ID {
			t.Errorf("%q: %+v, %v, %v", name, got, duplicate, err)
		}
	}
	if other, duplicate, err := w.signUp(w.a, "elsewhere", "Liu Bei", "one"); err != nil || duplicate || other.ID == first.ID {
		t.Errorf("in another realm: %+v, %v, %v", other, duplicate, err)
	}
}

func fiftySignUpsAtOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	var same, rivals race[chat.Account]
	same.run(50, func(i int) (chat.Account, bool, error) {
		return w.signUp(w.either(i), "races", "same", "one")
	})
	if len(same.fresh) != 1 || len(same.repeated) != 49 || len(same.errs) != 0 {
		t.Errorf("%d made, %d repeated, errors: %v", len(same.fresh), len(same.repeated), same.errs)
	}
	for _, a := range same.repeated {
		if a != same.fresh[0] {
			t.Errorf("%+v differs from %+v", a, same.fresh[0])
		}
	}
	rivals.run(50, func(i int) (chat.Account, bool, error) {
		return w.signUp(w.either(i), "races", "rival", fmt.Sprint("rival-", i))
	})
	if len(rivals.fresh) != 1 || len(rivals.repeated) != 0 {
		t.Errorf("%d made, %d repeated", len(rivals.fresh), len(rivals.repeated))
	}
	for _, err := range rivals.errs {
		if fault.CodeOf(err) != fault.Conflict {
			t.Error(err)
		}
	}
}

func accountsAreFound(t *testing.T, open Open) {
	w := newWorld(t, open)
	a, _, err := w.signUp(w.a, "found", "Guan Yu", "one")
	if err != nil {
		t.Fatal(err)
	}
	b := w.inRealm("found", "zhangfei")[0]
	foreign := w.inRealm("abroad", "caocao")[0]
	realm := w.realm("found")
	if got, err := w.b.AccountByName(t.Context(), realm, "guan YU"); err != nil || got != a {
		t.Errorf("%+v, %v", got, err)
	}
	for realm, name := range map[chat.Realm]string{realm: "caocao", foreign.Realm: "Guan Yu", "": "Guan Yu"} {
		if got, err := w.b.AccountByName(t.Context(), realm, name); err == nil || fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%s in %q: %+v, %v", name, realm, got, err)
		}
	}
	for _, test := range []struct {
		ids   []chat.UserID
		names []string
		want  []chat.UserID
	}{
		{nil, nil, nil},
		{[]chat.UserID{a.ID}, nil, []chat.UserID{a.ID}},
		{nil, []string{"GUAN yu", "nobody"}, []chat.UserID{a.ID}},
		{[]chat.UserID{a.ID, foreign.User, "01900000-0000-7000-8000-000000000000"}, []string{"ZhangFei", "caocao"}, []chat.UserID{a.ID, b.User}},
		{[]chat.UserID{a.ID, a.ID}, []string{"guan yu"}, []chat.UserID{a.ID}},
	} {
		got, err := w.b.Users(t.Context(), realm, test.ids, test.names)
		if err != nil {
			t.Error(err)
		}
		var ids []chat.UserID
		for _, u := range got {
			ids = append(ids, u.ID)
			if u.Realm != realm || u.ID == a.ID && u != a.User {
				t.Errorf("%+v", u)
			}
		}
		slices.Sort(ids)
		slices.Sort(test.want)
		if !slices.Equal(ids, test.want) {
			t.Errorf("%v and %v: found %v, want %v", test.ids, test.names, ids, test.want)
		}
	}
}

func everybodyIsInTheLobby(t *testing.T, open Open) {
	w := newWorld(t, open)
	var first race[chat.Account]
	first.run(30, func(i int) (chat.Account, bool, error) {
		return w.signUp(w.either(i), "lobby", fmt.Sprint("guest-", i), "one")
	})
	if len(first.fresh) != 30 {
		t.Fatalf("%d of 30 signed up: %v", len(first.fresh), first.errs)
	}
	var lobby chat.View
	for i, a := range first.fresh {
		views, more, err := w.either(i).Views(t.Context(), chat.Caller{Realm: a.Realm, User: a.ID}, "", 10)
		if err != nil || more || len(views) != 1 {
			t.Fatalf("%+v, %v, %v", views, more, err)
		}
		v := views[0]
		if v.Type != chat.Room || v.Name != chat.Lobby || v.Role != chat.Member || v.Width != chat.Wide || v.Members != 0 || v.FromSeq != 1 || v.Seq != 0 {
			t.Errorf("the lobby: %+v", v)
		}
		if lobby.ID == "" {
			lobby = v
		}
		if v.ID != lobby.ID {
			t.Errorf("two lobbies: %s and %s", v.ID, lobby.ID)
		}
	}
	old := chat.Caller{Realm: first.fresh[0].Realm, User: first.fresh[0].ID}
	w.send(w.a, old, lobby.ID, "before", "hello")
	// Who comes later may read what was said, and need not.
	late := w.inRealm("lobby", "late")[0]
	if v := w.look(w.b, late, lobby.ID); v.Unread() != 0 || v.FromSeq != 1 || v.ReadSeq != 1 {
		t.Errorf("who comes later sees %+v, %d unread", v, v.Unread())
	}
	if got := w.all(w.b, late, lobby.ID); len(got) != 1 || got[0].Text != "hello" {
		t.Errorf("who comes later reads %+v", got)
	}
	w.send(w.a, old, lobby.ID, "after", "hello again")
	if v := w.look(w.b, late, lobby.ID); v.Unread() != 1 {
		t.Errorf("%d unread, want 1", v.Unread())
	}
	if _, err := w.a.AddConversation(t.Context(), old, chat.NewConversation{Type: chat.Room, Name: "LOBBY", Request: "lobby"}); err == nil || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a second lobby: %v", err)
	}
}

// family signs in. The first token is called "first".
func (w *world) family(id string, expires time.Duration) chat.Family {
	w.t.Helper()
	f := chat.Family{
		ID: chat.FamilyID(id + "-" + w.tag), User: w.users[0].User, Device: "device",
		Token: "first", Expires: time.Now().Add(expires).Truncate(time.Millisecond),
	}
	if err := w.a.AddFamily(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func trade(f chat.Family, was, next, request string) chat.Rotation {
	return chat.Rotation{Family: f.ID, Old: was, New: next, Request: chat.RequestID(request), Expires: f.Expires.Add(time.Hour)}
}

// traded trades what has to be taken.
func (w *world) traded(s chat.Store, r chat.Rotation, repeated bool) chat.Family {
	w.t.Helper()
	f, duplicate, err := s.Rotate(w.t.Context(), r)
	if err != nil || duplicate != repeated {
		w.t.Errorf("%s for %s: duplicate %v, %v", r.Old, r.New, duplicate, err)
	}
	return f
}

// refused trades what must not be taken.
func (w *world) refused(s chat.Store, r chat.Rotation) {
	w.t.Helper()
	if f, _, err := s.Rotate(w.t.Context(), r); err == nil || fault.CodeOf(err) != fault.Unauthenticated || f.ID != "" {
		w.t.Errorf("%s for %s: %+v, %v", r.Old, r.New, f, err)
	}
}

// revoked looks whether a sign-in was ended.
func (w *world) revoked(f chat.Family, want bool) {
	w.t.Helper()
	if is, err := w.a.Revoked(w.t.Context(), f.ID); is != want || err != nil {
		w.t.Errorf("%s: revoked is %v, %v", f.ID, is, err)
	}
	if !want {
		return
	}
	if _, _, err := w.b.Rotate(w.t.Context(), trade(f, "second", "third", "2")); !errors.Is(err, chat.ErrRevoked) {
		w.t.Errorf("%s: %v", f.ID, err)
	}
}

func aTokenIsTradedOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	f := w.family("chain", time.Hour)
	got := w.traded(w.b, trade(f, "first", "second", "1"), false)
	want := f
	want.Token, want.Expires = "second", f.Expires.Add(time.Hour)
	if !got.Expires.Equal(want.Expires) {
		t.Errorf("expires %v, want %v", got.Expires, want.Expires)
	}
	if got.Expires = want.Expires; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	w.traded(w.a, trade(f, "second", "third", "2"), false)
	w.traded(w.b, trade(f, "third", "fourth", "3"), false)
	other := f
	other.ID = "nobody's"
	w.refused(w.a, trade(other, "first", "second", "1"))
	w.revoked(other, false)
}

func aLostAnswerIsGivenAgain(t *testing.T, open Open) {
	w := newWorld(t, open)
	f := w.family("lost", time.Hour)
	w.traded(w.a, trade(f, "first", "second", "1"), false)
	w.traded(w.b, trade(f, "first", "instead", "1"), true)
	w.traded(w.a, trade(f, "first", "instead of that", "1"), true)
	w.traded(w.b, trade(f, "instead of that", "third", "2"), false)
	// The new one has been used: whoever has the old one now is somebody else.
	w.refused(w.a, trade(f, "first", "stolen", "1"))
	w.refused(w.a, trade(f, "third", "fourth", "3"))
}

func anOldTokenEndsTheSignIn(t *testing.T, open Open) {
	w := newWorld(t, open)
	for i, old := range []chat.Rotation{
		{Old: "first", New: "stolen", Request: "another"}, // the one before, by who does not know the request
		{Old: "never was", New: "stolen", Request: "1"},
		{Old: "", New: "stolen", Request: "1"},
	} {
		f := w.family(fmt.Sprint("old-", i), time.Hour)
		w.traded(w.a, trade(f, "first", "second", "1"), false)
		old.Family, old.Expires = f.ID, f.Expires
		w.revoked(f, false)
		w.refused(w.b, old)
		w.revoked(f, true)
		w.refused(w.a, trade(f, "second", "third", "2"))
		w.refused(w.a, trade(f, "first", "third", "1"))
	}
	// What a repeat took the place of is old too.
	f := w.family("replaced", time.Hour)
	w.traded(w.a, trade(f, "first", "lost", "1"), false)
	w.traded(w.a, trade(f, "first", "second", "1"), true)
	w.refused(w.b, trade(f, "lost", "third", "2"))
	w.refused(w.b, trade(f, "second", "third", "3"))
	// A first token has none before it.
	f = w.family("empty", time.Hour)
	w.refused(w.b, trade(f, "", "stolen", ""))
	w.refused(w.b, trade(f, "first", "second", "1"))
}

func aSignInEnds(t *testing.T, open Open) {
	w := newWorld(t, open)
	revoke := func(f chat.Family, token string) {
		t.Helper()
		if err := w.b.Revoke(t.Context(), f.ID, token); err != nil {
			t.Error(err)
		}
	}
	over := w.family("over", -time.Second)
	w.refused(w.a, trade(over, "first", "second", "1"))

	f := w.family("revoked", time.Hour)
	revoke(f, "somebody else's")
	w.traded(w.a, trade(f, "first", "second", "1"), false)
	revoke(f, "second")
	revoke(f, "second")
	w.refused(w.a, trade(f, "second", "third", "2"))

	f = w.family("revoked by the one before", time.Hour)
	w.traded(w.a, trade(f, "first", "second", "1"), false)
	revoke(f, "first")
	w.refused(w.a, trade(f, "second", "third", "2"))

	f = w.family("revoked by nothing", time.Hour)
	revoke(f, "")
	w.traded(w.a, trade(f, "first", "second", "1"), false)
	revoke(chat.Family{ID: "nobody's"}, "first")
}

func manyTradeATokenAtOnce(t *testing.T, open Open) {
	w := newWorld(t, open)
	f := w.family("many", time.Hour)
	var all race[chat.Family]
	all.run(20, func(i int) (chat.Family, bool, error) {
		return w.either(i).Rotate(t.Context(), trade(f, "first", fmt.Sprint("next-", i), fmt.Sprint(i)))
	})
	if len(all.fresh) != 1 || len(all.repeated) != 0 {
		t.Errorf("%d traded, %d repeated", len(all.fresh), len(all.repeated))
	}
	for _, err := range all.errs {
		if fault.CodeOf(err) != fault.Unauthenticated {
			t.Error(err)
		}
	}
	// Nobody knows which of them was the right one.
	var next sync.WaitGroup
	for i := range 20 {
		next.Go(func() { w.refused(w.either(i), trade(f, fmt.Sprint("next-", i), "after", "after")) })
	}
	next.Wait()
}

func manyRepeatATrade(t *testing.T, open Open) {
	w := newWorld(t, open)
	f := w.family("repeats", time.Hour)
	var all race[chat.Family]
	all.run(20, func(i int) (chat.Family, bool, error) {
		return w.either(i).Rotate(t.Context(), trade(f, "first", fmt.Sprint("next-", i), "one"))
	})
	if len(all.fresh) != 1 || len(all.repeated) != 19 {
		t.Errorf("%d traded, %d repeated: %v", len(all.fresh), len(all.repeated), all.errs)
	}
}
