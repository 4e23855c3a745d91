package api

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/parley-im/parley/proto/fault"
)

// gatewayEntry is a gateway as clients are told of it.
type gatewayEntry struct {
	URL  string `json:"url"`
	Load uint32 `json:"load"`
}

// serveGateways tells where the gateways are, in the order in which this client is to try
// them.
func (a *API) serveGateways(w http.ResponseWriter, r *http.Request) {
	host, err := hostOf(r.Host)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	body := struct {
		Gateways []gatewayEntry `json:"gateways"`
	}{a.spread.order(a.gateways.Members(), host)}
	b, err := json.Marshal(body)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, b)
}

// publicURL is what a client dials for a gateway that says public of itself: ws or wss,
// on the host that the client asked for where the gateway names none.
func publicURL(public, host string) (string, bool) {
	u, err := url.Parse(public)
	if err != nil || u.User != nil {
		return "", false
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return "", false
	}
	if u.Hostname() == "" {
		if u.Port() == "" {
			return "", false
		}
		u.Host = net.JoinHostPort(host, u.Port())
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String(), true
}

// hostOf is the host of a Host header, without its port. What a client may dial comes of
// it, so it has to be a name or an address and nothing else.
func hostOf(header string) (string, error) {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return host, nil
	}
	if host == "" || len(host) > 253 {
		return "", errHost
	}
	for i := range len(host) {
		if strings.IndexByte(letters, host[i]) < 0 {
			return "", errHost
		}
	}
	return host, nil
}

// letters are those of host names.
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

var errHost = fault.New(fault.Invalid, "the Host header names no host")
