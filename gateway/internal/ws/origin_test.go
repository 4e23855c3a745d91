package ws

import (
	"net/http"
	"strings"
	"testing"
)

func TestOriginsOfBrowsersMeetTheList(t *testing.T) {
	list, err := patterns([]string{"chat.example.com", "*.example.org", "Bücher.example", "xn--caf-dma.example", "my_host", "[::1]", "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{
		"":                              true, // no browser
		"https://chat.example.com":      true,
		"http://chat.example.com":       true,
		"https://chat.example.com:8443": true,
		"HTTPS://Chat.Example.COM":      true,
		"capacitor://chat.example.com":  true,
		"https://a.example.org":         true,
		"https://a.b.Example.Org:8443":  true,
		"https://xn--bcher-kva.example": true,
		"https://XN--BCHER-KVA.example": true,
		"https://xn--caf-dma.example":   true,
		"http://my_host:3000":           true,
		"http://[::1]:8080":             true,
		"http://192.0.2.1:8080":         true,

		"null":                                  false,
		"https://example.org":                   false, // not below itself
		"https://.example.org":                  false,
		"https://evilexample.org":               false,
		"https://example.org.evil.example":      false,
		"https://chat.example.com.evil.example": false,
		"https://evil.chat.example.com":         false,
		"https://chat.example.com@evil.example": false,
		"https://evil.example/chat.example.com": false,
		"https://evil.example#chat.example.com": false,
		"https://chat.example.com:port":         false,
		"chat.example.com":                      false, // no origin that a browser would send
		"https://":                              false,
		"https://xn--bcher-kva.evil.example":    false,
		"https://[::2]":                         false,
		"file://":                               false,
		"://":                                   false,
	} {
		r := &http.Request{Header: http.Header{"Origin": {origin}}}
		if got := allowedOrigin(r, list); got != want {
			t.Errorf("%q: got %v", origin, got)
		}
	}
	all, err := patterns([]string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for origin, want := range map[string]bool{"https://any.example": true, "null": false, "": true} {
		if got := allowedOrigin(&http.Request{Header: http.Header{"Origin": {origin}}}, all); got != want {
			t.Errorf("*: %q: got %v", origin, got)
		}
	}
}

// What could never meet an Origin is told, and not found out by those who are refused.
func TestOriginThatIsNoHostIsNamed(t *testing.T) {
	for _, bad := range []string{"", "https://chat.example.com", "chat.example.com:8443", "chat.example.com/", "*example.com", "a.*.example.com",
		"*.", "null@", "two words", "xn--a.example"} {
		err := Limits{Origins: []string{"good.example", bad}}.Validate()
		if err == nil || !strings.Contains(err.Error(), "origin") || strings.Contains(err.Error(), "good.example") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if err := (Limits{Hosts: []string{"a b"}}).Validate(); err == nil || !strings.Contains(err.Error(), "host") {
		t.Errorf("hosts: got %v", err)
	}
}

// The list is what an operator wrote, when the limits are asked for.
func TestOriginsCanBeChangedWhileServing(t *testing.T) {
	r := start(t, Config{Limits: Limits{Origins: []string{"old.example"}}}, &app{})
	knock := func(origin string) int {
		c := rawDial(t, r.addr, false)
		c.write(request("Origin: " + origin))
		return c.response().StatusCode
	}
	if got := knock("https://bücher.example"); got != 403 {
		t.Errorf("before: got %d", got)
	}
	l := *r.s.limits()
	l.Origins = []string{"bücher.example"}
	if err := r.s.SetLimits(l); err != nil {
		t.Fatal(err)
	}
	if got := knock("https://xn--bcher-kva.example"); got != 101 {
		t.Errorf("after: got %d", got)
	}
	if got := knock("https://old.example"); got != 403 {
		t.Errorf("the old one: got %d", got)
	}
}
