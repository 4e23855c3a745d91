package api

import (
	"net/http"
	"slices"
)

// What a page of elsewhere may send and read. There are no cookies, so nothing of a
// person's goes along by itself.
const (
	corsMethods = "GET, HEAD, POST"
	corsHeaders = "Authorization, Content-Type, If-None-Match, Range"
	corsShown   = "ETag, Retry-After"
	corsAge     = "600"
)

// preflight lets pages of the allowed origins read the answer. It reports whether it has
// answered: the browser only asked what is allowed.
func (a *API) preflight(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	allowed := origin != "" && slices.Contains(*a.origins.Load(), origin)
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsShown)
	}
	if r.Method != http.MethodOptions {
		return false
	}
	if allowed {
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsAge)
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}
