package api

import (
	"net/http"

	"github.com/parley-im/parley/proto/fault"
)

// The routes, as metrics have them.
const (
	routeCall      = "call"
	routePush      = "push"
	routeGateways  = "gateways"
	routeUpload    = "upload"
	routeDownload  = "download"
	routeReference = "reference"
	routeHealth    = "health"
	routePage      = "page"
	routeNone      = "none"
)

// route says what is where.
func (a *API) route() {
	for pattern, r := range map[string]struct {
		name  string
		serve http.HandlerFunc
	}{
		"/v1/":             {routeNone, a.noRoute},
		"/v1/{method}":     {routeCall, a.serveCall},
		"GET /v1/gateways": {routeGateways, a.serveGateways},

		"/push/":            {routeNone, a.noRoute},
		"/push/v1/{method}": {routePush, a.servePush},

		"GET /push/openapi.json": {routeReference, a.servePushReference},

		"POST /v1/images/{conversation}":      {routeUpload, a.serveUpload},
		"GET /v1/images/{conversation}/{seq}": {routeDownload, a.serveDownload},

		"GET /openapi.json":   {routeReference, a.docs.ServeJSON},
		"GET /docs":           {routeReference, a.docs.ServeHTML},
		"GET /docs/style.css": {routeReference, a.docs.ServeCSS},

		"GET /healthz": {routeHealth, a.serveHealth},
		"GET /readyz":  {routeHealth, a.serveReady},

		"/": {routePage, a.page.ServeHTTP},
	} {
		a.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			if rec, ok := w.(*recorder); ok {
				rec.route = r.name
			}
			r.serve(w, req)
		})
	}
}

// noRoute answers what is below /v1/ or /push/ and is nothing.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, errNoMethod)
}

// errNoMethod is about a method that is not there, or only over a socket.
var errNoMethod = fault.New(fault.Unimplemented, "no such method")

// onlyTLS tells browsers, over https alone, never to come over http for a year: somebody
// between might answer them there. It says nothing of other hosts of the domain.
const onlyTLS = "max-age=31536000"

// security is what every answer tells browsers: whatever this is, take it for nothing
// else, and let nobody frame, script or follow it.
var security = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; " +
		"connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}
