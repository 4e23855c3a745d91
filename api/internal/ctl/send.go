package ctl

import (
	"context"
	"io"
	"unicode/utf8"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// To says for whom something is: one of the kinds.
type To struct {
	Conns, Users, Groups []string
	All                  bool
}

// Check says what is wrong with it. Ask before a frame is read, which may wait for a person.
func (to To) Check() error {
	kinds := 0
	for _, named := range []bool{len(to.Conns) > 0, len(to.Users) > 0, len(to.Groups) > 0, to.All} {
		if named {
			kinds++
		}
	}
	switch kinds {
	case 0:
		return WrongUsage("to whom? --to-user, --to-group, --to-conn, or --all for everybody")
	case 1:
		return nil
	}
	return WrongUsage("one of --to-user, --to-group, --to-conn and --all: several kinds would reach a conn twice")
}

// maxFrame is the largest frame that the api takes, in bytes.
const maxFrame = 1 << 20

// ReadFrame reads what is to be sent from a file or a pipe. A newline at the end of a text
// is that of the shell. A script whose pipe has run dry must not send everybody nothing:
// without a byte it is wrong use.
func ReadFrame(r io.Reader, binary bool) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFrame+2))
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, WrongUsage("standard input has nothing to send; an empty frame is sent by ''")
	}
	if n := len(b); !binary && n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	return b, nil
}

// Send sends a frame.
func (c *Ctl) Send(ctx context.Context, to To, frame []byte, binary bool) error {
	req := &pushv1.SendRequest{Conns: to.Conns, Users: to.Users, Groups: to.Groups, All: to.All}
	if err := to.Check(); err != nil {
		return err
	}
	switch {
	case len(frame) > maxFrame:
		return WrongUsage("a frame has %s at most", plural(maxFrame, "byte"))
	case binary:
		req.Kind = &pushv1.SendRequest_Binary{Binary: frame}
	case !utf8.Valid(frame):
		return WrongUsage("that is no text: --binary sends it as it is")
	default:
		req.Kind = &pushv1.SendRequest_Text{Text: string(frame)}
	}
	res := &pushv1.SendResponse{}
	if err := c.Door.call(ctx, "send", req, res); err != nil {
		return err
	}
	if c.JSON {
		if err := c.emit(res); err != nil {
			return err
		}
		return lost(res.GetLost())
	}
	said := "sent to " + plural(res.GetHit(), "conn")
	if n := res.GetDropped(); n > 0 {
		said += "; " + plural(n, "conn") + " had no room for it"
	}
	if n := res.GetMissed(); n > 0 {
		said += "; " + plural(n, "conn") + " had ended"
	}
	if offline := res.GetOffline(); len(offline) > 0 {
		said += "; offline: " + names(offline)
	}
	if err := c.print("%s", said); err != nil {
		return err
	}
	return lost(res.GetLost())
}
