// Package site serves the files of the page: what was built before the program was, from
// memory, compressed once. Files whose names change with their content are kept by
// browsers for ever, the others are asked for each time; what is no file is not found.
package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// index is what stands at the root.
const index = "index.html"

// assets is the folder of files whose names have a hash of their content.
const assets = "assets/"

// minSaving is what compression has to save to be worth it: an eighth.
const minSaving = 8

// types are the media types of what a page is made of. Those of the system differ from
// one to the next.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json; charset=utf-8", ".map": "application/json; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json; charset=utf-8",
	".ico": "image/x-icon", ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".woff2": "font/woff2",
}

// Site is the files of a page.
type Site struct{ files map[string]*file }

// file is one of them.
type file struct {
	media      string
	tag        string
	forever    bool // its name changes with it
	body       []byte
	compressed []byte // nil: not worth it
}

// New reads all files of dist. Names that begin with a dot are left out.
func New(dist fs.FS) (*Site, error) {
	s := &Site{files: map[string]*file{}}
	err := fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		body, err := fs.ReadFile(dist, name)
		if err == nil {
			s.files[name] = newFile(name, body)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the page: %w", err)
	}
	return s, nil
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{media: types[path.Ext(name)], tag: hex.EncodeToString(sum[:12]), forever: strings.HasPrefix(name, assets), body: body}
	if f.media == "" {
		f.media = "application/octet-stream"
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // a level there is
	_, err := z.Write(body)
	if err == nil && z.Close() == nil && b.Len() < len(body)-len(body)/minSaving {
		f.compressed = b.Bytes()
	}
	return f
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the page is only read", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = index
	}
	f := s.files[name]
	switch {
	case f != nil:
		f.serve(w, r)
	case name == index:
		http.Error(w, notBuilt, http.StatusNotFound)
	default:
		http.Error(w, "there is nothing here", http.StatusNotFound)
	}
}

// notBuilt is what people read who look for a page that is not there.
const notBuilt = `The page is not in this program, because it was not built before the program was compiled.
Everything else is there: the API is described at /docs.

To build it, with Node 20 or later: "npm ci && npm run build" in api/web, then compile again. "make run" does both.`

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, tag := f.body, f.tag
	if f.compressed != nil {
		h.Add("Vary", "Accept-Encoding")
		if takesGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body, tag = f.compressed, f.tag+"-gzip"
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	if has(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Type")
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone needs none
	}
}

// has says that a browser has the file already.
func has(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == `"`+tag+`"` {
			return true
		}
	}
	return false
}

// takesGzip says that a browser can read it. One that sets a weight means to have it,
// unless that is nothing.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(weight), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
