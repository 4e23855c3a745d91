package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/load/counterpart"
	"github.com/parley-im/parley/deploy/load/crowd"
	"github.com/parley-im/parley/deploy/load/figures"
	"github.com/parley-im/parley/deploy/load/hist"
)

// fanoutCommand is `parley-load fanout`.
type fanoutCommand struct {
	Groups   int `help:"Groups." default:"1"`
	Size     int `help:"Conns in each group." default:"1000"`
	UnderWay int `help:"Messages under way at once; a member sends the next when all have got its last." default:"8"`
	options
}

// Run implements kong's command.
func (c *fanoutCommand) Run() error {
	about := fmt.Sprintf("%d groups of %d, %d messages of %d bytes under way", c.Groups, c.Size, c.UnderWay, bodyBytes)
	return c.report(&figures.Report{Scenario: "fanout", About: c.placed(about)}, c.measure)
}

func (c *fanoutCommand) measure(ctx context.Context, report *figures.Report) error {
	if c.Groups < 1 || c.Size < 1 || c.UnderWay < 1 || c.UnderWay > c.Groups*c.Size {
		return fmt.Errorf("--groups=%d --size=%d --under-way=%d: want one at least, and no more under way than there are members", c.Groups, c.Size, c.UnderWay)
	}
	if c.Bare && c.Profile != "" {
		return errors.New("--bare has no profiles")
	}
	r, err := c.setup(ctx, false)
	if err != nil {
		return err
	}
	defer r.close()
	w, err := crowd.New()
	if err != nil {
		return err
	}
	defer w.Close()
	conns, err := w.Connect(ctx, crowd.Dialing{
		Addr: r.addr, Count: c.Groups * c.Size,
		Path: func(i int) string { return "/?group=" + group(i%c.Groups) },
	})
	if err != nil {
		return err
	}
	t := &figures.Table{Title: "deliveries"}
	report.Tables = append(report.Tables, t)
	return c.play(ctx, r, w, newTalk(conns, c.Groups, c.Size, c.UnderWay), "fanout", "delivery", "until the last has it", t)
}

func group(i int) string { return fmt.Sprintf("group-%d", i) }

// talk is the player of `fanout`: message k of those under way is sent by a member of
// group k modulo groups, and again when all members have it.
type talk struct {
	conns  []*crowd.Conn // conn i is in group i modulo groups
	groups int
	size   int
	lanes  []lane
	body   []byte
	buf    []byte
	now    score
}

// lane is one message under way.
type lane struct {
	round   uint32
	missing int // members that do not have it yet
	at      time.Time
}

func newTalk(conns []*crowd.Conn, groups, size, underWay int) *talk {
	t := &talk{conns: conns, groups: groups, size: size, lanes: make([]lane, underWay), body: filler()}
	t.now.times = new(hist.Hist)
	return t
}

func (t *talk) score() *score { return &t.now }

func (t *talk) begin() {
	for k := range t.lanes {
		t.send(k)
	}
}

// send sends the next message of lane k.
func (t *talk) send(k int) {
	l := &t.lanes[k]
	l.round++
	l.missing = t.size
	number(t.body, uint64(k)<<32|uint64(l.round))
	t.buf = counterpart.ToGroup(t.buf[:0], group(k%t.groups), t.body)
	l.at = time.Now()
	t.conns[k].Send(t.buf)
}

// Frame implements crowd.Player.
func (t *talk) Frame(c *crowd.Conn, payload []byte) {
	if len(payload) != bodyBytes {
		t.now.wrong++
		return
	}
	n := numberIn(payload)
	k := int(n >> 32)
	if k >= len(t.lanes) || k%t.groups != c.ID%t.groups || t.lanes[k].round != uint32(n) {
		t.now.wrong++
		return
	}
	t.now.done++
	l := &t.lanes[k]
	if l.missing--; l.missing == 0 {
		t.now.times.Add(time.Since(l.at))
		t.send(k)
	}
}

// Tick implements crowd.Player.
func (t *talk) Tick(uint64) {}

// Ended implements crowd.Player.
func (t *talk) Ended(_ *crowd.Conn, why error) { t.now.over(why) }
