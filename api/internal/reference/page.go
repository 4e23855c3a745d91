// Package reference shows an OpenAPI document to people: one page, made once, without a
// script. What it does not know of the document it leaves out.
package reference

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// Page is a document, as it is and for people.
type Page struct{ json, html content }

// content is something that is served as it is.
type content struct {
	body []byte
	tag  string
}

func newContent(b []byte) content {
	sum := sha256.Sum256(b)
	return content{b, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// entry is an operation as the page has it.
type entry struct {
	Method, Path string
	Anchor       string
	Open         bool // needs no token
	operation
}

// New reads an OpenAPI document and makes the page of it.
func New(openapi []byte) (*Page, error) {
	var d document
	if err := json.Unmarshal(openapi, &d); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	var entries []entry
	for _, path := range d.Paths {
		for _, op := range path.Value {
			method := strings.ToUpper(op.Name)
			if method != http.MethodGet && method != http.MethodPost && method != http.MethodPut && method != http.MethodDelete {
				continue
			}
			e := entry{Method: method, Path: path.Name, Anchor: op.Name + strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path.Name)}
			if err := json.Unmarshal(op.Value, &e.operation); err != nil {
				return nil, fmt.Errorf("the OpenAPI document: %s %s: %w", method, path.Name, err)
			}
			e.Open = e.Security != nil && len(*e.Security) == 0
			entries = append(entries, e)
		}
	}
	var html bytes.Buffer
	err := page.Execute(&html, map[string]any{"Info": d.Info, "Entries": entries, "Schemas": d.Components.Schemas})
	if err != nil {
		return nil, fmt.Errorf("the page of the API: %w", err)
	}
	return &Page{newContent(openapi), newContent(html.Bytes())}, nil
}

// ServeJSON serves the document.
func (p *Page) ServeJSON(w http.ResponseWriter, r *http.Request) {
	p.json.serve(w, r, "application/json; charset=utf-8")
}

// ServeHTML serves the page; its style is expected at docs/style.css beside it.
func (p *Page) ServeHTML(w http.ResponseWriter, r *http.Request) {
	p.html.serve(w, r, "text/html; charset=utf-8")
}

// ServeCSS serves the style of the page.
func (p *Page) ServeCSS(w http.ResponseWriter, r *http.Request) {
	newContent(styleCSS).serve(w, r, "text/css; charset=utf-8")
}

func (c content) serve(w http.ResponseWriter, r *http.Request, media string) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", c.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.body))
}
