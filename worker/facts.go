package worker

import (
	"net/http"
	"net/url"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// Facts are what stays true of a conn from its handshake to its end. All
// handlers of a conn share them: they must not be changed.
type Facts struct {
	RemoteAddr   string      // the client's "ip:port" as the gateway saw it
	LocalAddr    string      // the gateway's own end: which listener it came in by
	Host         string      // the Host header
	Path         string      // the path of the request
	Query        string      // the raw query, without the question mark
	Header       http.Header // the headers of the request, up to 8 KiB
	Subprotocols []string    // those the client offered, in its order
	Subprotocol  string      // the one that was agreed; empty in OnOpen
	TLS          bool        // it came in by TLS
	Opened       time.Time   // when the handshake began, by the gateway's clock
}

// Values parses the query; malformed pairs are left out.
func (f *Facts) Values() url.Values {
	v, _ := url.ParseQuery(f.Query) // the pairs that are well-formed come all the same
	return v
}

// Cookies are those of the handshake, in the client's order; malformed ones are left out.
func (f *Facts) Cookies() []*http.Cookie {
	return (&http.Request{Header: f.Header}).Cookies()
}

// Cookie is the value of the first cookie of that name, "" if there is none.
func (f *Facts) Cookie(name string) string {
	for _, c := range f.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func factsOf(m *gatewayv1.ConnFacts) *Facts {
	f := &Facts{
		RemoteAddr:   m.GetRemoteAddr(),
		LocalAddr:    m.GetLocalAddr(),
		Host:         m.GetHost(),
		Path:         m.GetPath(),
		Query:        m.GetQuery(),
		Header:       make(http.Header, len(m.GetHeaders())),
		Subprotocols: m.GetSubprotocols(),
		Subprotocol:  m.GetSubprotocol(),
		TLS:          m.GetTls(),
		Opened:       time.UnixMilli(m.GetOpenedUnixMs()),
	}
	for _, h := range m.GetHeaders() {
		key := http.CanonicalHeaderKey(h.GetName())
		f.Header[key] = append(f.Header[key], h.GetValue())
	}
	return f
}
