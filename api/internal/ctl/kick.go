package ctl

import (
	"context"
	"errors"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Kick says which conns are ended, and how.
type Kick struct {
	Conns, Users, Groups []string
	Code                 CloseCode // 0: 1000
	Reason               string    // for the client, at most 123 bytes
	Now                  bool      // what is queued is thrown away, and there is no code
}

// maxReason is what fits into a close frame, in bytes.
const maxReason = 123

// Kick ends conns.
func (c *Ctl) Kick(ctx context.Context, k Kick) error {
	switch {
	case len(k.Conns)+len(k.Users)+len(k.Groups) == 0:
		return WrongUsage("whom? --user, --group or --conn")
	case k.Now && (k.Code != 0 || k.Reason != ""):
		return WrongUsage("--now cuts the sockets: there is no --code and no --reason then")
	case len(k.Reason) > maxReason:
		return WrongUsage("--reason: %d bytes, %d at most", len(k.Reason), maxReason)
	}
	res := &pushv1.CloseResponse{}
	err := c.Door.call(ctx, "close", &pushv1.CloseRequest{
		Conns: k.Conns, Users: k.Users, Groups: k.Groups, Code: uint32(k.Code), Reason: k.Reason, Now: k.Now,
	}, res)
	if err != nil {
		return err
	}
	out := res.GetOutcome()
	if c.JSON {
		err = c.emit(res)
	} else {
		err = c.print("ended %s", plural(out.GetDone(), "conn"))
	}
	if err != nil {
		return err
	}
	for _, id := range out.GetStale() {
		c.say("%s had ended", shown(id))
	}
	for _, f := range out.GetFailed() {
		c.say("%s: %s", shown(f.GetConn()), Line(or(f.GetMessage(), f.GetReason())))
	}
	for _, id := range out.GetUnsure() {
		c.say("%s: its gateway does not answer, so it may have been ended or not", shown(id))
	}
	if err := lost(out.GetLost()); err != nil {
		return err
	}
	if len(out.GetFailed()) > 0 {
		return errNotAll
	}
	return nil
}

var errNotAll = errors.New("not all conns were ended")
