package push

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// connInfo is a conn as callers see it; gateway is the node that holds it.
func connInfo(c worker.ListedConn, gateway string) *pushv1.Conn {
	info := &pushv1.Conn{Id: c.ID.String(), User: c.User, Groups: c.Groups, Facts: factsOf(c.Facts), Gateway: gateway}
	if c.SessionVersion > 0 {
		info.Session = sessionOf(c.Session, c.SessionVersion)
	}
	return info
}

// secrets are headers that let in whoever has them, as the client they are from.
var secrets = map[string]bool{
	"Authorization": true, "Cookie": true, "Proxy-Authorization": true,
	"Sec-Websocket-Protocol": true, // may have a token; see subprotocols
	"Sec-Websocket-Key":      true,
}

// bearer begins a subprotocol that is a token.
const bearer = "bearer."

func factsOf(f *worker.Facts) *pushv1.Facts {
	if f == nil {
		return nil
	}
	facts := &pushv1.Facts{
		RemoteAddr: f.RemoteAddr, LocalAddr: f.LocalAddr, Host: f.Host, Path: f.Path, Query: f.Query,
		Subprotocol: f.Subprotocol, Tls: f.TLS,
		Subprotocols: slices.DeleteFunc(slices.Clone(f.Subprotocols), func(s string) bool { return strings.HasPrefix(s, bearer) }),
	}
	if !f.Opened.IsZero() {
		facts.OpenedAt = timestamppb.New(f.Opened)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Header)) {
		if !secrets[name] {
			facts.Headers = append(facts.Headers, &pushv1.Header{Name: name, Values: valid(f.Header[name])})
		}
	}
	return facts
}

// valid is what strangers sent, as protobuf takes it.
func valid(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToValidUTF8(s, "\ufffd")
	}
	return out
}
