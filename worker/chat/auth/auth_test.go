package auth

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

var (
	keyA = []byte(strings.Repeat("a", 32))
	keyB = []byte(strings.Repeat("b", 32))
	who  = chat.Caller{Realm: "shu", User: "u1", Family: "f1"}
)

func tokens(t *testing.T, change func(*Config)) *Tokens {
	t.Helper()
	c := Config{Issuer: "parley", Keys: [][]byte{keyA}}
	if change != nil {
		change(&c)
	}
	k, err := NewTokens(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestShortPasswordIsHashedForAProgramOnly(t *testing.T) {
	p := NewPasswords(0, 0)
	if _, err := p.Hash(t.Context(), "123456"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a person chooses it: %v", err)
	}
	hash, err := p.HashAny(t.Context(), "123456")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := p.Verify(t.Context(), hash, "123456"); !ok || err != nil {
		t.Errorf("it is not known again: %v, %v", ok, err)
	}
}

func TestPasswordIsKnownAgainAndNoOther(t *testing.T) {
	p := NewPasswords(0, 0)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false, strings.Repeat("x", 5000): false} {
		if ok, err := p.Verify(t.Context(), hash, password); ok != want || err != nil {
			t.Errorf("%.20q: got %v, %v", password, ok, err)
		}
	}
	if ok, err := p.Verify(t.Context(), "", "anything at all"); ok || err != nil {
		t.Errorf("nobody's password: got %v, %v", ok, err)
	}
	if Outdated(hash) {
		t.Error("a fresh hash is outdated")
	}
	if !Outdated("$argon2id$v=19$m=4096,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") {
		t.Error("a cheap hash is not outdated")
	}
}

func TestHashesThatWouldTakeTheMachineAreRefused(t *testing.T) {
	fresh := encode(current, make([]byte, saltBytes), make([]byte, hashBytes))
	for _, hash := range []string{
		"$argon2id$v=19$m=999999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=99999,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=255$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$$", "plain", strings.Repeat("$", 600),
		// Another spelling of a good one: what we write has one.
		fresh + "\n", strings.Replace(fresh, "p=1", "p=1x", 1), strings.Replace(fresh, "v=19", "v=19x", 1), strings.Replace(fresh, "m=", "m=0", 1),
	} {
		if _, err := NewPasswords(0, 0).Verify(t.Context(), hash, "password"); !errors.Is(err, errHash) {
			t.Errorf("%.60q: got %v", hash, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(current, make([]byte, saltBytes), make([]byte, hashBytes)))
	f.Fuzz(func(t *testing.T, s string) {
		c, salt, hash, err := decode(s)
		if err != nil {
			return
		}
		if c.memory > most.memory || c.passes > most.passes || c.threads > most.threads || len(salt) < 8 || len(hash) < 16 {
			t.Errorf("taken: %+v", c)
		}
		if again := encode(c, salt, hash); again != s {
			t.Errorf("%q has another spelling: %q", s, again)
		}
	})
}

// storm makes a Passwords whose hashes take until release.
func storm(atOnce, line int) (p *Passwords, release func()) {
	p = NewPasswords(atOnce, line)
	hold := make(chan struct{})
	p.key = func(_, _ []byte, _ cost, n uint32) []byte {
		<-hold
		return make([]byte, n)
	}
	return p, sync.OnceFunc(func() { close(hold) })
}

func TestLoginStormIsBoundedAndAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := storm(2, 3)
		var all sync.WaitGroup
		overloaded := make(chan error, 10)
		for range 10 {
			all.Go(func() {
				if _, err := p.Hash(context.Background(), "password"); err != nil {
					overloaded <- err
				}
			})
		}
		synctest.Wait()
		if n := len(overloaded); n != 5 {
			t.Errorf("two compute, three wait, and %d were turned away", n)
		}
		if err := <-overloaded; fault.CodeOf(err) != fault.Overloaded || fault.Of(err).RetryAfter() == 0 {
			t.Errorf("turned away with %v", err)
		}
		release()
		all.Wait()
		if p.Waiting() != 0 {
			t.Errorf("%d still wait", p.Waiting())
		}
	})
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := storm(1, 3)
		defer release()
		go func() { _, _ = p.Hash(context.Background(), "password") }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := p.Hash(ctx, "password"); fault.CodeOf(err) != fault.Overloaded {
			t.Errorf("got %v", err)
		}
	})
}

func TestAccessTokenSaysWhoItIs(t *testing.T) {
	k := tokens(t, nil)
	token, expires, err := k.Access(who)
	if err != nil {
		t.Fatal(err)
	}
	got, until, err := k.Verify(token)
	if err != nil || got != who || !until.Equal(expires) {
		t.Errorf("got %+v until %v, %v; want %+v until %v", got, until, err, who, expires)
	}
}

// forge signs claims of anybody's choice.
func forge(t *testing.T, method jwt.SigningMethod, key any, kid string, c jwt.MapClaims) string {
	t.Helper()
	j := jwt.NewWithClaims(method, c)
	j.Header["kid"] = kid
	s, err := j.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForgedTokensAreRefused(t *testing.T) {
	now := time.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "parley", "sub": "u1", "fam": "f1", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix()}
	}
	with := func(key string, value any) jwt.MapClaims {
		c := good()
		if c[key] = value; value == nil {
			delete(c, key)
		}
		return c
	}
	hs, kid := jwt.SigningMethodHS256, keyName(keyA)
	k := tokens(t, func(c *Config) { c.Realms = []chat.Realm{"", "shu"} })
	valid := forge(t, hs, keyA, kid, good())
	if _, _, err := k.Verify(valid); err != nil {
		t.Fatalf("the one that is good: %v", err)
	}
	for name, token := range map[string]string{
		"none":             "",
		"no signature":     forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, good()),
		"another key":      forge(t, hs, keyB, kid, good()),
		"a key we lack":    forge(t, hs, keyB, keyName(keyB), good()),
		"another method":   forge(t, jwt.SigningMethodHS384, keyA, kid, good()),
		"another cluster":  forge(t, hs, keyA, kid, with("iss", "other")),
		"no cluster":       forge(t, hs, keyA, kid, with("iss", nil)),
		"nobody":           forge(t, hs, keyA, kid, with("sub", nil)),
		"no family":        forge(t, hs, keyA, kid, with("fam", nil)),
		"never ends":       forge(t, hs, keyA, kid, with("exp", nil)),
		"expired":          forge(t, hs, keyA, kid, with("exp", now.Add(-time.Minute).Unix())),
		"not yet":          forge(t, hs, keyA, kid, with("nbf", now.Add(time.Minute).Unix())),
		"from the future":  forge(t, hs, keyA, kid, with("iat", now.Add(time.Hour).Unix())),
		"another realm":    forge(t, hs, keyA, kid, with("realm", "wei")),
		"a realm with /":   forge(t, hs, keyA, kid, with("realm", "../shu")),
		"cut off":          valid[:len(valid)-1],
		"with a tail":      valid + "A",
		"with a line end":  valid + "\n",
		"a line end in it": strings.Replace(valid, ".", "\r\n.", 1),
		"ten megabytes":    strings.Repeat("a", 10<<20),
		"not a token":      "a.b.c",
		"end is no number": forge(t, hs, keyA, kid, with("exp", "soon")),
	} {
		if c, _, err := k.Verify(token); err == nil || fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%s: got %+v, %v", name, c, err)
		}
	}
	_, _, err := k.Verify(forge(t, hs, keyA, kid, with("exp", now.Add(-time.Minute).Unix())))
	if got := fault.Of(err).Message(); got != "the token has expired" {
		t.Errorf("an expired one is told %q", got)
	}
}

func set(t *testing.T, k *Tokens, keys ...[]byte) {
	t.Helper()
	if err := k.SetKeys(keys); err != nil {
		t.Fatal(err)
	}
}

func TestKeysRotate(t *testing.T) {
	k := tokens(t, nil)
	old, _, _ := k.Access(who)
	set(t, k, keyB, keyA)
	fresh, _, _ := k.Access(who)
	for name, token := range map[string]string{"old": old, "fresh": fresh} {
		if _, _, err := k.Verify(token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	set(t, k, keyB)
	if _, _, err := k.Verify(old); fault.CodeOf(err) != fault.Unauthenticated {
		t.Errorf("the old key is gone and its token: %v", err)
	}
}

func TestKeysThatAreNoneAreRefusedAndThoseThereAreStay(t *testing.T) {
	k := tokens(t, nil)
	for name, keys := range map[string][][]byte{"no list": nil, "an empty list": {}, "an empty key": {keyB, nil}, "a short key": {keyB[:MinKeyBytes-1]}} {
		if err := k.SetKeys(keys); err == nil {
			t.Errorf("%s: taken", name)
		}
		token, _, err := k.Access(who)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := tokens(t, nil).Verify(token); err != nil {
			t.Errorf("after %s the old key signs no more: %v", name, err)
		}
	}
}

func TestKeysAreTheirOwnersToOverwrite(t *testing.T) {
	key := bytes.Clone(keyA)
	k := tokens(t, func(c *Config) { c.Keys = [][]byte{key} })
	clear(key)
	token, _, err := k.Access(who)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens(t, nil).Verify(token); err != nil {
		t.Errorf("signed with what the caller wrote into its key: %v", err)
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	_, err := NewTokens(Config{Keys: [][]byte{keyA, []byte("short")}, Realms: []chat.Realm{"Not OK"}, Access: -1})
	if err == nil {
		t.Fatal("taken")
	}
	for _, part := range []string{"issuer", "token key 2", "realm", "last longer"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing of %q in %v", part, err)
		}
	}
}

func TestRefreshTokenIsChanceAndItsHashIsKept(t *testing.T) {
	k := tokens(t, nil)
	f, refresh, err := k.NewFamily("shu", "u1", "web")
	if err != nil {
		t.Fatal(err)
	}
	id, hash, err := ParseRefresh(refresh)
	if err != nil || id != f.ID || hash != f.Token || strings.Contains(f.Token, refresh[37:]) {
		t.Errorf("got %v %v %v", id, hash, err)
	}
	r, next, err := k.Next(refresh, "r1")
	if err != nil || r.Family != f.ID || r.Old != f.Token || next == refresh || r.New == r.Old {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, bad := range []string{"", ".", refresh + "A", refresh[:len(refresh)-1], "x" + refresh, strings.Repeat("a", 1<<20), string(f.ID) + "." + strings.Repeat("*", 43),
		string(f.ID) + "." + strings.Repeat("\n", 43), refresh[:len(refresh)-1] + "B", "ABCDEF0" + refresh[7:], strings.Repeat("0", 36) + refresh[36:],
		refresh[:14] + "4" + refresh[15:]} {
		if _, _, err := ParseRefresh(bad); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%.50q: got %v", bad, err)
		}
	}
}

func FuzzParseRefresh(f *testing.F) {
	f.Add("01890a5d-ac96-774b-bcce-b302099a8057." + strings.Repeat("A", 43))
	form := regexp.MustCompile(`\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[A-Za-z0-9_-]{43}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		if id, hash, err := ParseRefresh(s); err == nil && (!form.MatchString(s) || len(hash) != 43 || !strings.HasPrefix(s, string(id)+".")) {
			t.Errorf("took %q as %q, %q", s, id, hash)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	p := NewPasswords(0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyAccess(b *testing.B) {
	k, err := NewTokens(Config{Issuer: "parley", Keys: [][]byte{keyA}})
	if err != nil {
		b.Fatal(err)
	}
	token, _, _ := k.Access(who)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := k.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}
