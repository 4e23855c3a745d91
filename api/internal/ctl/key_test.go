package ctl

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-im/parley/api/pushkeys"
)

func rolesOf(t *testing.T, text string) (r Roles) {
	t.Helper()
	if err := r.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAKeyIsShownOnceAndItsLineOpensTheApi(t *testing.T) {
	var out strings.Builder
	if err := NewKey(&out, "shop", rolesOf(t, "send,query"), 20, nil); err != nil {
		t.Fatal(err)
	}
	var text, lineOf string
	for l := range strings.Lines(out.String()) {
		if v, ok := strings.CutPrefix(l, "key   "); ok {
			text = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(l, "line  "); ok {
			lineOf = strings.TrimSpace(v)
		}
	}
	set, err := pushkeys.Parse(strings.NewReader(lineOf))
	if err != nil {
		t.Fatal(err)
	}
	if k, _, ok := set.Find(text); !ok || k.ID != "shop" || k.Rate != 20 || k.Roles.String() != "send,query" {
		t.Errorf("%+v, %v", k, ok)
	}
	var again strings.Builder
	if err := HashKey(&again, strings.NewReader(" "+text+"\r\n"), rolesOf(t, "send,query"), 20); err != nil || again.String() != lineOf+"\n" {
		t.Errorf("%q, %v, want %q", again.String(), err, lineOf)
	}
}

func TestAKeyThatIsSavedIsNotShown(t *testing.T) {
	var out strings.Builder
	saved := ""
	if err := NewKey(&out, "shop", rolesOf(t, "admin"), 20, func(text string) error { saved = text; return nil }); err != nil {
		t.Fatal(err)
	}
	if !pushkeys.IsKey(saved) || strings.Contains(out.String(), saved) || !strings.HasPrefix(out.String(), "shop:admin:20:") {
		t.Errorf("saved %q, shown %q", saved, out.String())
	}
	out.Reset()
	full := errors.New("no room")
	if err := NewKey(&out, "shop", rolesOf(t, "admin"), 20, func(string) error { return full }); !errors.Is(err, full) || out.Len() > 0 {
		t.Errorf("a key that is not saved: %v, shown %q", err, out.String())
	}
}

func TestWrongKeysAreTellingNothing(t *testing.T) {
	for _, text := range []string{"", "\n", "secret", key + " " + key, key + "x", strings.ToUpper(key), strings.Repeat("x", maxKeyFile) + key} {
		got, err := ReadKey(strings.NewReader(text))
		if ExitCode(err) != ExitUsage || got != "" || strings.TrimSpace(text) != "" && strings.Contains(err.Error(), strings.TrimSpace(text)) {
			t.Errorf("%.40q: %q, %v", text, got, err)
		}
	}
	if err := NewKey(nil, "Shop!", rolesOf(t, "admin"), 0, nil); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "rate") {
		t.Errorf("got %v", err)
	}
}

// FuzzReadKey looks for a file from which something is read that is no key, or would not
// fit into a header.
func FuzzReadKey(f *testing.F) {
	for _, seed := range []string{key, key + "\n", "\t" + key + "\r\n", "parley__", "", "parley_a_\x00", key + key, "\ufeff" + key} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadKey(strings.NewReader(text))
		if err != nil {
			return
		}
		if !pushkeys.IsKey(got) || strings.TrimSpace(text) != got || strings.ContainsAny(got, " \r\n\t\x00") {
			t.Fatalf("of %q it reads %q", text, got)
		}
	})
}

// FuzzAPI looks for an address that the key would go into, or that is not what it seems.
func FuzzAPI(f *testing.F) {
	for _, seed := range []string{"http://10.0.0.31:8080", "https://chat.example.com/x/", "localhost:8080", "http://a@b", "http:///x", "http://[::1]:1", "HTTP://x", "http://x/%2e%2e/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		base, err := parseAPI(text)
		if err != nil {
			if !plain(strings.NewReplacer(`"`, "", `\`, "").Replace(err.Error())) {
				t.Fatalf("%q is refused with %q", text, err)
			}
			return
		}
		u, err := url.Parse(base)
		if err != nil || u.User != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.HasSuffix(base, "/") || strings.ContainsAny(base, "?#\r\n ") {
			t.Fatalf("%q is %q, %v", text, base, err)
		}
	})
}
