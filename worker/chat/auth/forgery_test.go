package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// What a client may hear of a token that is no good.
const (
	notGood  = "the token is not good"
	expired  = "the token has expired"
	notHere  = "the token is of a realm that is not served here"
	noneHere = "no token"
)

// refused wants token to be refused with just these words.
func refused(t *testing.T, k *Tokens, name, token, want string) {
	t.Helper()
	c, until, err := k.Verify(token)
	if err == nil || fault.CodeOf(err) != fault.Unauthenticated || fault.Of(err).Message() != want {
		t.Errorf("%s: got %v, want Unauthenticated: %s", name, err, want)
	}
	if c != (chat.Caller{}) || !until.IsZero() {
		t.Errorf("%s: refused, and still says %+v until %v", name, c, until)
	}
}

// raw puts a token together from JSON of anybody's choice, signed with key.
func raw(header, payload string, key []byte) string {
	b := base64.RawURLEncoding
	text := b.EncodeToString([]byte(header)) + "." + b.EncodeToString([]byte(payload))
	sig, err := jwt.SigningMethodHS256.Sign(text, key)
	if err != nil {
		panic(err) // a []byte is always a key
	}
	return text + "." + b.EncodeToString(sig)
}

// header is that of a good token.
func header() string { return `{"alg":"HS256","typ":"JWT","kid":"` + keyName(keyA) + `"}` }

// payload is that of a good token, with more behind it.
func payload(more string) string {
	return `{"iss":"parley","sub":"u1","fam":"f1","exp":4102444800` + more + `}`
}

func TestEveryByteOfATokenCounts(t *testing.T) {
	k := tokens(t, nil)
	valid, _, _ := k.Access(who)
	for i := range len(valid) {
		refused(t, k, "cut off", valid[:i], map[bool]string{true: noneHere, false: notGood}[i == 0])
		for _, c := range []byte{valid[i] ^ 1, '.', '=', '\n', 0} {
			if c != valid[i] {
				refused(t, k, "one byte changed", valid[:i]+string(rune(c))+valid[i+1:], notGood)
			}
		}
	}
	// Two bits of the last character are of no byte: it could be written four ways.
	last := len(valid) - 1
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if byte(c) != valid[last] {
			refused(t, k, "another last character", valid[:last]+string(c), notGood)
		}
	}
}

func TestTokensAreBoundedWhoeverSignedThem(t *testing.T) {
	k := tokens(t, nil)
	for _, c := range []struct {
		pad  int
		good bool
	}{{1000, true}, {2048, false}, {1 << 20, false}} {
		token := raw(header(), payload(`,"pad":"`+strings.Repeat("x", c.pad)+`"`), keyA)
		if _, _, err := k.Verify(token); (err == nil) != c.good {
			t.Errorf("%d bytes: got %v", len(token), err)
		}
	}
}

func TestRealmsAreNamesWhereAllAreServed(t *testing.T) {
	k := tokens(t, nil)
	for _, realm := range []string{"SHU", "a.b", "*", ">", "../shu", strings.Repeat("x", 33)} {
		refused(t, k, realm, raw(header(), payload(`,"realm":"`+realm+`"`), keyA), notHere)
	}
}

func TestClaimsCannotBeAddedToASignedToken(t *testing.T) {
	k := tokens(t, nil)
	valid := raw(header(), payload(""), keyA)
	if c, _, err := k.Verify(valid); err != nil || c.User != "u1" {
		t.Fatalf("the one that is good: %+v, %v", c, err)
	}
	h, rest, _ := strings.Cut(valid, ".")
	_, sig, _ := strings.Cut(rest, ".")
	for _, more := range []string{`,"sub":"u2"`, `,"SUB":"u2"`, `,"realm":"wei"`, `,"exp":9999999999`, ` `} {
		token := h + "." + base64.RawURLEncoding.EncodeToString([]byte(payload(more))) + "." + sig
		refused(t, k, more, token, notGood)
	}
}

func TestNoOtherAlgorithmIsTaken(t *testing.T) {
	k, kid := tokens(t, nil), keyName(keyA)
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `""`, `"hs256"`, `"HS256 "`, `"HS384"`, `"HS512"`, `"RS256"`, `"ES256"`, `"EdDSA"`, `null`, `1`, `["HS256"]`} {
		h := `{"typ":"JWT","kid":"` + kid + `","alg":` + alg + `}`
		refused(t, k, "signed as HS256, says "+alg, raw(h, payload(""), keyA), notGood)
		signed := raw(h, payload(""), keyA)
		refused(t, k, "not signed, says "+alg, signed[:strings.LastIndex(signed, ".")+1], notGood)
	}
	// Of two the last counts, for the check as well as for the signature.
	refused(t, k, "two algorithms", raw(`{"alg":"HS256","kid":"`+kid+`","alg":"none"}`, payload(""), keyA), notGood)

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{"iss": "parley", "sub": "u1", "fam": "f1", "exp": time.Now().Add(time.Hour).Unix()}
	refused(t, k, "RS256", forge(t, jwt.SigningMethodRS256, key, kid, claims), notGood)
	public := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	refused(t, k, "HS256 with a public key", forge(t, jwt.SigningMethodHS256, public, kid, claims), notGood)
}

func TestAKeyIsNamedOrNothingIsTaken(t *testing.T) {
	k := tokens(t, nil)
	for _, h := range []string{
		`{"alg":"HS256"}`, `{"alg":"HS256","kid":""}`, `{"alg":"HS256","kid":null}`, `{"alg":"HS256","kid":1}`, `{"alg":"HS256","kid":["` + keyName(keyA) + `"]}`,
		`{"alg":"HS256","kid":"../../dev/null"}`, `{"alg":"HS256","kid":"' UNION SELECT 'k"}`, `{"alg":"HS256","kid":"` + keyName(keyB) + `"}`,
		`{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, `null`, `[]`, `"HS256"`, ``, `{`, strings.Repeat(`[`, 1000),
	} {
		refused(t, k, h, raw(h, payload(""), keyA), notGood)
		refused(t, k, h+" and an empty key", raw(h, payload(""), nil), notGood)
	}
}

func TestWhatIsSignedButSaysNothingIsRefused(t *testing.T) {
	k := tokens(t, nil)
	for _, p := range []string{
		``, `null`, `[]`, `{}`, `"u1"`, strings.Repeat(`[`, 1000), `{"iss":"parley","sub":"u1","fam":"f1","exp":null}`, `{"iss":"parley","sub":["u1"],"fam":"f1","exp":4102444800}`,
		payload(`,"sub":""`), payload(`,"fam":""`), payload(`,"fam":null,"fam":7`), payload(`,"iss":["parley"]`), payload(`,"realm":7`), payload(`,"exp":"soon"`), payload("") + payload(""),
	} {
		refused(t, k, p, raw(header(), p, keyA), notGood)
	}
}

func TestWhatIsToldOfATokenIsWhatAClientCanUse(t *testing.T) {
	k := tokens(t, func(c *Config) { c.Realms = []chat.Realm{"shu"} })
	old := `,"realm":"shu","exp":1000000000`
	for name, c := range map[string]struct{ token, want string }{
		"none":                         {"", noneHere},
		"it has ended":                 {raw(header(), payload(old), keyA), expired},
		"ended, with a key not ours":   {raw(header(), payload(old), keyB), notGood},
		"of another realm":             {raw(header(), payload(`,"realm":"wei"`), keyA), notHere},
		"of the default realm":         {raw(header(), payload(``), keyA), notHere},
		"realm and key not ours":       {raw(header(), payload(`,"realm":"wei"`), keyB), notGood},
		"of something that is no name": {raw(header(), payload(`,"realm":"SHU"`), keyA), notHere},
	} {
		refused(t, k, name, c.token, c.want)
	}
}

func TestTokensEndByTheClockOfWhoChecks(t *testing.T) {
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	now := start
	k := tokens(t, func(c *Config) { c.Now = func() time.Time { return now } })
	token, expires, _ := k.Access(who)
	if !expires.Equal(start.Add(DefaultAccess)) {
		t.Errorf("lasts until %v", expires)
	}
	for _, c := range []struct {
		after time.Duration
		want  string // "": good
	}{
		{-time.Minute, notGood}, {-leeway - time.Second, notGood}, {-leeway, ""}, {0, ""},
		{DefaultAccess, ""}, {DefaultAccess + leeway - time.Nanosecond, ""}, {DefaultAccess + leeway, expired}, {24 * time.Hour, expired},
	} {
		now = start.Add(c.after)
		if c.want != "" {
			refused(t, k, c.after.String(), token, c.want)
		} else if _, _, err := k.Verify(token); err != nil {
			t.Errorf("after %v: %v", c.after, err)
		}
	}
}

func TestNothingIsRefusedWhileKeysRotate(t *testing.T) {
	k := tokens(t, func(c *Config) { c.Keys = [][]byte{keyA, keyB} })
	done := make(chan struct{})
	var rotation, callers sync.WaitGroup
	rotation.Go(func() {
		for lists, i := [][][]byte{{keyA, keyB}, {keyB, keyA}}, 0; ; i++ {
			select {
			case <-done:
				return
			default:
				if err := k.SetKeys(lists[i%2]); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 4 {
		callers.Go(func() {
			for range 200 {
				token, _, err := k.Access(who)
				if err != nil {
					t.Error(err)
				}
				if c, _, err := k.Verify(token); err != nil || c != who {
					t.Errorf("got %+v, %v", c, err)
				}
			}
		})
	}
	callers.Wait()
	close(done)
	rotation.Wait()
}

func TestTheTokenHasNoMoreInItThanItHasTo(t *testing.T) {
	token, _, _ := tokens(t, nil).Access(who)
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iss", "sub", "fam", "realm", "iat", "exp"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no %s in %s", name, b)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("anybody can read this too: %v", got)
	}
}

// FuzzVerify has what a stranger can do, who has seen one good token, and what a
// signature over anything may bring.
func FuzzVerify(f *testing.F) {
	k, err := NewTokens(Config{Issuer: "parley", Keys: [][]byte{keyA}})
	if err != nil {
		f.Fatal(err)
	}
	seen := raw(header(), payload(""), keyA)
	f.Add(seen, header(), payload(""))
	f.Add("", `{"alg":"none"}`, `null`)
	f.Add(seen+"\n", header(), payload(`,"exp":1e300,"realm":"-"`))
	f.Fuzz(func(t *testing.T, token, h, p string) {
		if _, _, err := k.Verify(token); (err == nil) != (token == seen) || err != nil && fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%q: %v", token, err)
		}
		c, until, err := k.Verify(raw(h, p, keyA))
		switch {
		case err == nil && (c.User == "" || c.Family == "" || c.Realm.Check() != nil || until.Before(time.Now().Add(-leeway))):
			t.Errorf("%q %q is taken: %+v until %v", h, p, c, until)
		case err != nil && fault.CodeOf(err) != fault.Unauthenticated:
			t.Errorf("%q %q: %v", h, p, err)
		}
	})
}
