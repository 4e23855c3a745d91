package link

import (
	"net/http"
	"strings"
	"time"

	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// factsOf is what a handshake tells of a conn.
func (l *Link) factsOf(sock *ws.Conn, r *http.Request) *gatewayv1.ConnFacts {
	facts := &gatewayv1.ConnFacts{
		RemoteAddr:   sock.RemoteAddr().String(),
		LocalAddr:    sock.LocalAddr().String(),
		Host:         valid(r.Host),
		Path:         valid(r.URL.Path),
		Query:        valid(r.URL.RawQuery),
		Tls:          r.TLS != nil,
		OpenedUnixMs: time.Now().UnixMilli(),
	}
	for name, values := range r.Header {
		for _, v := range values {
			facts.Headers = append(facts.Headers, &gatewayv1.Header{Name: valid(name), Value: valid(v)})
		}
	}
	for _, offer := range r.Header.Values("Sec-Websocket-Protocol") {
		for p := range strings.SplitSeq(offer, ",") {
			if p = strings.TrimSpace(p); p != "" {
				facts.Subprotocols = append(facts.Subprotocols, valid(p))
			}
		}
	}
	return facts
}

// valid makes what a client sent fit for protobuf, whose strings are UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
