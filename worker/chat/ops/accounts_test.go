package ops_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
)

func TestPasswordOfAnOlderCostIsKeptAtTheCostOfToday(t *testing.T) {
	s := newStage(t)
	const password = "the password of years ago"
	salt, b64 := []byte("sixteen bytes of"), base64.RawStdEncoding
	old := fmt.Sprintf("$argon2id$v=%d$m=64,t=1,p=1$%s$%s", argon2.Version, b64.EncodeToString(salt), b64.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)))
	if _, _, err := s.store.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: "ann"}, PasswordHash: old, Request: "r"}); err != nil {
		t.Fatal(err)
	}
	kept := func() string {
		t.Helper()
		a, err := s.store.AccountByName(t.Context(), "", "ann")
		if err != nil {
			t.Fatal(err)
		}
		return a.PasswordHash
	}
	p := s.from("192.0.2.7:1")
	p.refused("UNAUTHENTICATED", "signIn", params{"name": "ann", "password": "another password", "device": "d"})
	if kept() != old {
		t.Error("who does not know the password has changed what is kept of it")
	}
	for range 2 {
		p.must("signIn", params{"name": "ann", "password": password, "device": "d"})
		if auth.Outdated(kept()) {
			t.Errorf("after a sign-in: %s", kept())
		}
	}
}
