package site

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var long = strings.Repeat("console.log('parley');\n", 200)

func built(t *testing.T) *Site {
	t.Helper()
	s, err := New(fstest.MapFS{
		"index.html":          {Data: []byte("<!doctype html><title>Parley</title>")},
		"assets/main-a1b2.js": {Data: []byte(long)},
		"icon.svg":            {Data: []byte("<svg/>")},
		"strange.xyz":         {Data: []byte("?")},
		".gitignore":          {Data: []byte("*")},
		".hidden/file.js":     {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(s *Site, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestFilesAreServedAndNothingElse(t *testing.T) {
	s := built(t)
	for path, want := range map[string]string{
		"/":                    "200 text/html; charset=utf-8 no-cache",
		"/index.html":          "200 text/html; charset=utf-8 no-cache",
		"/assets/main-a1b2.js": "200 text/javascript; charset=utf-8 public, max-age=31536000, immutable",
		"/icon.svg":            "200 image/svg+xml no-cache",
		"/strange.xyz":         "200 application/octet-stream no-cache",
		"/.gitignore":          "404 text/plain; charset=utf-8 ",
		"/.hidden/file.js":     "404 text/plain; charset=utf-8 ",
		"/assets":              "404 text/plain; charset=utf-8 ",
		"/assets/":             "404 text/plain; charset=utf-8 ",
		"/with/liubei":         "404 text/plain; charset=utf-8 ",
		"/../site.go":          "404 text/plain; charset=utf-8 ",
	} {
		r := get(s, path)
		got := r.Status[:3] + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("Cache-Control")
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestPageThatWasNotBuiltSaysHow(t *testing.T) {
	s, err := New(fstest.MapFS{".gitignore": {Data: []byte("*")}})
	if err != nil {
		t.Fatal(err)
	}
	r := get(s, "/")
	b, _ := io.ReadAll(r.Body)
	if r.StatusCode != http.StatusNotFound || !strings.Contains(string(b), "npm ci") || !strings.Contains(string(b), "/docs") {
		t.Errorf("got %d %s", r.StatusCode, b)
	}
}

func TestWhatIsWorthItIsCompressed(t *testing.T) {
	s := built(t)
	r := get(s, "/assets/main-a1b2.js", "Accept-Encoding", "br, gzip;q=0.8")
	if r.Header.Get("Content-Encoding") != "gzip" || r.Header.Get("Vary") != "Accept-Encoding" || r.ContentLength >= int64(len(long)) {
		t.Fatalf("headers %v", r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != long {
		t.Errorf("got %d bytes, %v", len(b), err)
	}
	for _, accepts := range []string{"", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"} {
		if r := get(s, "/assets/main-a1b2.js", "Accept-Encoding", accepts); r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%q: compressed", accepts)
		}
	}
	if r := get(s, "/icon.svg", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" {
		t.Error("six bytes were compressed")
	}
}

func TestBrowserThatHasAFileIsToldSo(t *testing.T) {
	s := built(t)
	tag := get(s, "/").Header.Get("ETag")
	for _, list := range []string{tag, `"other", W/` + tag} {
		r := get(s, "/", "If-None-Match", list)
		if b, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusNotModified || len(b) != 0 {
			t.Errorf("%s: %d %q", list, r.StatusCode, b)
		}
	}
	if r := get(s, "/", "If-None-Match", `"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("another: %d", r.StatusCode)
	}
}

func TestPageIsOnlyRead(t *testing.T) {
	w := httptest.NewRecorder()
	built(t).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("post: %d", w.Code)
	}
	w = httptest.NewRecorder()
	built(t).ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("head: %d, %d bytes", w.Code, w.Body.Len())
	}
}
