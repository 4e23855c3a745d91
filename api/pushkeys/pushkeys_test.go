package pushkeys

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

func aKey(t *testing.T, id string, roles Roles) (string, Key) {
	t.Helper()
	text, k, err := New(id, roles, 100)
	if err != nil {
		t.Fatal(err)
	}
	return text, k
}

func TestAKeyIsFoundByTheWholeOfItsText(t *testing.T) {
	shop, one := aKey(t, "shop", RolesOf(pushv1.Role_ROLE_SEND, pushv1.Role_ROLE_QUERY))
	_, two := aKey(t, "ops-2", RolesOf(pushv1.Role_ROLE_ADMIN))
	stranger, _ := aKey(t, "stranger", RolesOf(pushv1.Role_ROLE_ADMIN))
	s, err := Parse(strings.NewReader("# keys\n\n" + one.Line() + "\r\n  " + two.Line()))
	if err != nil {
		t.Fatal(err)
	}
	if k, id, ok := s.Find(shop); !ok || k != one || id != "shop" || s.Len() != 2 {
		t.Errorf("found %+v, id %q, %v, of %d", k, id, ok, s.Len())
	}
	if line, want := one.Line(), fmt.Sprintf("shop:send,query:100:%x", sha256.Sum256([]byte(shop))); line != want {
		t.Errorf("line %q, want %q", line, want)
	}
	for text, id := range map[string]string{
		"": "", "parley_": "", "parley_shop_": "", "shop": "",
		stranger:                                  "", // nobody of that id
		shop[:len(shop)-1]:                        "",
		shop + "A":                                "",
		"Parley" + shop[len("parley"):]:           "",
		shop[:len(shop)-1] + flip(shop):           "shop",
		strings.Replace(shop, "shop", "ops-2", 1): "ops-2", // the hash is of the id too
		strings.Repeat("parley_shop_", 10_000):    "",
	} {
		if k, named, ok := s.Find(text); ok || k != (Key{}) || named != id {
			t.Errorf("%.60q: found %+v, names %q, want %q", text, k, named, id)
		}
	}
}

// flip is another last character than that of a key. The last of 43 has two bits that
// are not used, so that only some characters are encodings; to a hash all differ.
func flip(text string) string {
	if strings.HasSuffix(text, "A") {
		return "B"
	}
	return "A"
}

func TestEverythingWrongIsSaidWithItsLine(t *testing.T) {
	_, good := aKey(t, "good", RolesOf(pushv1.Role_ROLE_SEND))
	hash := strings.Repeat("ab", 32)
	file := filepath.Join(t.TempDir(), "keys")
	lines := []string{
		good.Line(),
		"# comment",
		"Shop!:send:0:" + hash,
		"one:two",
		"a:boss:1:" + hash,
		"b:send,send:1:" + hash,
		"c::1:" + hash,
		"d:SEND:1:" + hash,
		"e:send:1.5:" + hash,
		"f:send:+1:" + hash,
		"g:send:1:" + strings.ToUpper(hash),
		"h:send:1:" + strings.Repeat("xy", 32),
		"i:send:1:abab",
		"good:query:1:" + hash,
		"j:unspecified:1000001:" + hash,
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(file)
	if s != nil || err == nil {
		t.Fatalf("taken: %v", err)
	}
	for _, want := range []string{
		file, `line 3: the id "Shop!"`, "line 3: a rate of 0", "line 4: 2 fields", `line 5: "boss" is no role`, "line 6: the role send is there twice",
		`line 7: "" is no role`, `line 8: "SEND" is no role`, `line 9: the rate "1.5"`, `line 10: the rate "+1"`, "line 11: the hash", "line 12: the hash",
		"line 13: the hash", `line 14: the id "good" is that of line 1 too`, `line 15: "unspecified" is no role`, "line 15: a rate of 1000001",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), hash) {
		t.Errorf("a hash is shown:\n%v", err)
	}
}

// Whoever takes the last key out of the file means it.
func TestAFileWithoutKeysLetsNobodyIn(t *testing.T) {
	one, _, err := New("one", RolesOf(pushv1.Role_ROLE_SEND), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "", "only remarks": "# nothing\n\n"} {
		s, err := Parse(strings.NewReader(text))
		if err != nil || s.Len() != 0 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, _, ok := s.Find(one); ok {
			t.Errorf("%s: a key is in it", name)
		}
	}
}

func TestAFileHasABound(t *testing.T) {
	for name, text := range map[string]string{
		"not text":  "a:send:1:\xff",
		"too large": strings.Repeat("#\n", maxFile),
	} {
		if _, err := Parse(strings.NewReader(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "nothing")); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	_, err := Parse(strings.NewReader(strings.Repeat("x\n", 1000)))
	if err == nil || !strings.Contains(err.Error(), "and 980 more") || strings.Count(err.Error(), "\n") != maxErrors {
		t.Errorf("a thousand bad lines: %v", err)
	}
}

func TestAdminMayDoEverythingAndNobodyWhatSaysNoRole(t *testing.T) {
	roles := []pushv1.Role{pushv1.Role_ROLE_SEND, pushv1.Role_ROLE_QUERY, pushv1.Role_ROLE_MANAGE, pushv1.Role_ROLE_ADMIN}
	if len(roles) != len(pushv1.Role_name)-1 {
		t.Fatalf("the proto has other roles: %v", pushv1.Role_name)
	}
	for _, has := range roles {
		for _, needs := range roles {
			want := has == needs || has == pushv1.Role_ROLE_ADMIN
			if got := RolesOf(has).May(needs); got != want {
				t.Errorf("%v may what needs %v: %v", has, needs, got)
			}
		}
		if RolesOf(has).May(pushv1.Role_ROLE_UNSPECIFIED) {
			t.Errorf("%v may what says no role", has)
		}
		if back, err := ParseRoles(RolesOf(has).String()); err != nil || back != RolesOf(has) {
			t.Errorf("%v: read back %v, %v", has, back, err)
		}
	}
	if got := RolesOf(roles...).String(); got != "send,query,manage,admin" {
		t.Errorf("all roles: %q", got)
	}
}

func TestNewRefusesWhatTheFileWould(t *testing.T) {
	for _, c := range []struct {
		id    string
		roles Roles
		rate  int
	}{
		{"", 1, 1}, {"a_b", 1, 1}, {"a:b", 1, 1}, {strings.Repeat("a", 33), 1, 1}, {"a", 0, 1}, {"a", 128, 1}, {"a", 1, 0}, {"a", 1, MaxRate + 1},
	} {
		if text, _, err := New(c.id, c.roles, c.rate); err == nil || text != "" {
			t.Errorf("%+v: made", c)
		}
	}
}
