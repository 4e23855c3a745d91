package ctl

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Shed says which gateway gives away how much of its conns.
type Shed struct {
	Gateway string
	Share   Share
	Over    time.Duration // from 1 s to 1 h
	NoWait  bool          // return when it has begun
}

// settleTime is how long clients that were asked may take to be back elsewhere before
// nobody waits for them any more: each has a delay of its own.
const settleTime = 15 * time.Second

// shedResult is what happened, for programs.
type shedResult struct {
	Gateway string `json:"gateway"`
	Asked   int32  `json:"asked"`
	Before  spread `json:"before"`
	After   spread `json:"after,omitempty"` // none with NoWait
}

// Shed asks a share of the clients of a gateway to come back elsewhere, and shows where
// they come to, until they have.
func (c *Ctl) Shed(ctx context.Context, s Shed) error {
	if s.Over < time.Second || s.Over > time.Hour {
		return WrongUsage("--over: from 1s to 1h, not %v", s.Over)
	}
	l, err := c.look(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(l.gateways(), func(g gateway) bool { return g.node == s.Gateway }) {
		return noGateway(s.Gateway)
	}
	if up, _ := serving(l.gateways()); len(up) == 1 && up[0].node == s.Gateway {
		return WrongUsage("%s is the only gateway that serves: its clients would come back to it. Start another one first.", shown(s.Gateway))
	}
	r := shedResult{Gateway: s.Gateway, Before: spreadOf(l.counts)}
	began := &pushv1.ShedGatewayResponse{}
	err = c.Door.call(ctx, "shedGateway", &pushv1.ShedGatewayRequest{Node: s.Gateway, Share: float64(s.Share), Window: durationpb.New(s.Over)}, began)
	if err != nil {
		return err
	}
	r.Asked = began.GetAsked()
	c.say("%s asks %s of %s to come back elsewhere, over %v.", shown(s.Gateway), count(r.Asked), plural(r.Before[s.Gateway], "client"), s.Over)
	var away []string
	if !s.NoWait && r.Asked > 0 {
		if r.After, away, err = c.followShed(ctx, s, r); err != nil {
			return err
		}
	}
	if c.JSON {
		text, err := json.Marshal(r)
		if err == nil {
			err = c.emitLine(text)
		}
		if err != nil {
			return err
		}
	} else if r.After != nil {
		if err := c.compareTable(r.Before, r.After); err != nil {
			return err
		}
	}
	return lost(away)
}

// followShed looks until the window is over and those who were asked are back.
func (c *Ctl) followShed(ctx context.Context, s Shed, r shedResult) (after spread, away []string, err error) {
	p := &progress{w: c.Err, terminal: c.Width > 0}
	defer p.end()
	over := c.clock().Add(s.Over)
	for {
		if err := c.pause(ctx); err != nil {
			return nil, nil, err
		}
		counts := &pushv1.GetTotalsResponse{}
		if err := c.Door.call(ctx, "getTotals", &pushv1.GetTotalsRequest{}, counts); err != nil {
			return nil, nil, err
		}
		after = spreadOf(counts)
		away = slices.Clone(counts.GetLost())
		p.show(moves(s.Gateway, r.Before, after))
		switch now := c.clock(); {
		case now.Before(over):
		case after.total() >= r.Before.total(), now.After(over.Add(settleTime)):
			return after, away, nil
		}
	}
}
