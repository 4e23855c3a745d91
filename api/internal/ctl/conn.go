package ctl

import (
	"context"
	"fmt"
	"strings"
	"time"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Conn tells everything that is known of a conn.
func (c *Ctl) Conn(ctx context.Context, id string) error {
	res := &pushv1.GetConnResponse{}
	if err := c.Door.call(ctx, "getConn", &pushv1.GetConnRequest{Conn: id}, res); err != nil {
		return err
	}
	if c.JSON {
		return c.emit(res.GetConn())
	}
	conn, facts := res.GetConn(), res.GetConn().GetFacts()
	rows := [][]string{
		{"conn", shown(conn.GetId())},
		{"user", shown(conn.GetUser())},
		{"groups", names(conn.GetGroups())},
		{"gateway", shown(conn.GetGateway())},
		{"from", shown(facts.GetRemoteAddr())},
		{"to", shown(facts.GetLocalAddr()) + tls(facts.GetTls())},
	}
	if at := facts.GetOpenedAt(); at != nil {
		rows = append(rows, []string{"open", fmt.Sprintf("%s, since %s", c.age(at), at.AsTime().Local().Format(time.RFC3339))})
	}
	rows = append(rows,
		[]string{"host", shown(facts.GetHost())},
		[]string{"path", shown(facts.GetPath())},
		[]string{"query", Line(or(facts.GetQuery(), none))},
		[]string{"subprotocol", shown(facts.GetSubprotocol())},
	)
	if s := conn.GetSession(); s != nil {
		rows = append(rows, []string{"session", session(s)})
	}
	for _, h := range facts.GetHeaders() {
		for _, value := range h.GetValues() {
			rows = append(rows, []string{"header", Line(h.GetName() + ": " + value)})
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-11s  %s\n", row[0], row[1])
	}
	_, err := c.Out.Write([]byte(b.String()))
	return err
}

func tls(by bool) string {
	if by {
		return " by TLS"
	}
	return ""
}

// session is what workers keep with a conn: text as it is, else how much it is.
func session(s *pushv1.Session) string {
	version := fmt.Sprintf(" (version %d)", s.GetVersion())
	switch kind := s.GetKind().(type) {
	case *pushv1.Session_Text:
		return Line(kind.Text) + version
	case *pushv1.Session_Binary:
		return bytesOf(len(kind.Binary)) + version
	}
	return none
}
