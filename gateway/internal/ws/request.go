package ws

import (
	"encoding/base64"
	"net"
	"net/http"
	"slices"
	"strings"
)

// refusal is an HTTP answer instead of the 101.
type refusal struct {
	status int
	reason string
	header http.Header
	limit  limit // of one by a limit
}

// limit is one that refuses handshakes.
type limit uint8

const (
	byConns limit = iota
	byClosing
	byHandshakeRate
	byConnsPerIP
	byHandshakesPerIP
	limitKinds // how many there are
)

func (l limit) String() string {
	return [...]string{"conns", "closing", "handshake_rate", "conns_per_ip", "handshakes_per_ip"}[l]
}

// limited refuses for a limit. retry is after how many seconds it is worth another try.
func limited(by limit, status int, reason, retry string) *refusal {
	r := refuse(status, reason, "Retry-After", retry)
	r.limit = by
	return r
}

func refuse(status int, reason string, header ...string) *refusal {
	r := &refusal{status: status, reason: reason, header: make(http.Header)}
	for i := 0; i+1 < len(header); i += 2 {
		r.header.Set(header[i], header[i+1])
	}
	return r
}

// check says why r is not a handshake that may go on, or nil. It also brings the
// header into the one form that gws reads.
func check(r *http.Request, l *Limits) *refusal {
	switch {
	case r.Host == "":
		return refuse(http.StatusBadRequest, "a Host header is missing")
	case !allowed(hostOf(r.Host), l.Hosts):
		return refuse(http.StatusMisdirectedRequest, "this host is not served here")
	case r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "a WebSocket handshake is a GET", "Allow", http.MethodGet)
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return refuse(http.StatusHTTPVersionNotSupported, "a WebSocket handshake is HTTP/1.1")
	case !hasToken(r.Header, "Upgrade", "websocket") || !hasToken(r.Header, "Connection", "upgrade"):
		return refuse(http.StatusUpgradeRequired, "this port speaks WebSocket only",
			"Upgrade", "websocket", "Sec-Websocket-Version", "13")
	case !slices.Equal(r.Header.Values("Sec-Websocket-Version"), []string{"13"}):
		return refuse(http.StatusUpgradeRequired, "only version 13 of WebSocket is spoken here",
			"Upgrade", "websocket", "Sec-Websocket-Version", "13")
	case !validKey(r.Header.Values("Sec-Websocket-Key")):
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Key must be 16 bytes in base64, once")
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		return refuse(http.StatusBadRequest, "a WebSocket handshake has no body")
	case !allowedOrigin(r, l.Origins):
		return refuse(http.StatusForbidden, "this origin may not connect")
	}
	r.Header["Connection"] = []string{"Upgrade"}
	r.Header["Upgrade"] = []string{"websocket"}
	r.Header["Sec-Websocket-Version"] = []string{"13"}
	return nil
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func validKey(keys []string) bool {
	if len(keys) != 1 {
		return false
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0]))
	return err == nil && len(b) == 16
}

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// offers tells whether the client offered subprotocol.
func offers(h http.Header, subprotocol string) bool {
	for _, line := range h.Values("Sec-Websocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(p) == subprotocol {
				return true
			}
		}
	}
	return false
}
