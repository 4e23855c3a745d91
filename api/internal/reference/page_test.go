package reference

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-im/parley/api/openapi"
)

func html(t *testing.T, document string) string {
	t.Helper()
	p, err := New([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	p.ServeHTML(w, httptest.NewRequest(http.MethodGet, "/docs", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

func TestPageTellsWhatTheDocumentDoes(t *testing.T) {
	page := html(t, string(openapi.JSON))
	for _, want := range []string{
		"<code>/v1/getServer</code>", "without a token", `<a href="#schema-GetServerRequest">GetServerRequest</a>`,
		`<section id="schema-GetServerResponse">`, "<td><code>guests</code></td><td>boolean</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in the page", want)
		}
	}
}

// TestPageNeedsNoScriptAndNoStyleInIt has what its Content-Security-Policy forbids.
func TestPageNeedsNoScriptAndNoStyleInIt(t *testing.T) {
	page := html(t, string(openapi.JSON))
	for _, bad := range []string{"<script", "<style", "style=", "onclick", "http:", "https:"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s in the page", bad)
		}
	}
}

func TestTextOfTheDocumentIsText(t *testing.T) {
	page := html(t, `{"openapi":"3.1.0","info":{"title":"<b>","version":"1"},"paths":{"/v1/x":{"parameters":[],"post":{"summary":"<script>alert(1)</script>",
		"responses":{"200":{"description":"\"><img src=x onerror=alert(1)>"}}}}},
		"components":{"schemas":{"\"><i>":{"enum":["A","<B>"],"properties":{"a":{"type":["array"],"items":{"$ref":"#/components/schemas/\"><i>"}}}}}}}`)
	for _, bad := range []string{"<script", "<img", "<b>", "<i>", "<B>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s in the page", bad)
		}
	}
	if !strings.Contains(page, "list of") {
		t.Error("a list is not told")
	}
}

func TestOrderIsThatOfTheDocument(t *testing.T) {
	page := html(t, `{"paths":{"/v1/b":{"post":{}},"/v1/a":{"post":{},"get":{}}},"components":{"schemas":{"Z":{"properties":{"y":{},"x":{}}}}}}`)
	last := -1
	for _, part := range []string{"post-v1-b", "post-v1-a", "get-v1-a", "schema-Z", "<code>y</code>", "<code>x</code>"} {
		at := strings.LastIndex(page, part)
		if at <= last {
			t.Errorf("%s is at %d, after %d", part, at, last)
		}
		last = at
	}
}

func TestDocumentThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"", "[]", `{"paths":[]}`, `{"paths":{"/v1/x":{"post":[]}}}`, `{"paths":{"/v1/x":1}}`} {
		if _, err := New([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestDocumentAndStyleAreServed(t *testing.T) {
	p, err := New(openapi.JSON)
	if err != nil {
		t.Fatal(err)
	}
	for want, serve := range map[string]http.HandlerFunc{"application/json; charset=utf-8": p.ServeJSON, "text/css; charset=utf-8": p.ServeCSS} {
		w := httptest.NewRecorder()
		serve(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", want, w.Code, w.Header())
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		if serve(again, r); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d for who has it", want, again.Code)
		}
	}
}
