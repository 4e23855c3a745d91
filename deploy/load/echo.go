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

// bodyBytes is the body of every frame that is measured.
const bodyBytes = 100

// echoCommand is `parley-load echo`.
type echoCommand struct {
	Conns int `help:"Clients." default:"1000"`
	Rate  int `help:"Frames a second, of all clients together. 0: each sends the next when it has the last one back."`
	options
}

// Run implements kong's command.
func (c *echoCommand) Run() error {
	about := fmt.Sprintf("%d clients, a %d-byte text to the worker and back; each sends the next when it has the last one back", c.Conns, bodyBytes)
	if c.Rate > 0 {
		about = fmt.Sprintf("%d clients, %d %d-byte texts a second to the worker and back", c.Conns, c.Rate, bodyBytes)
	}
	return c.report(&figures.Report{Scenario: "echo", About: c.placed(about)}, c.measure)
}

func (c *echoCommand) measure(ctx context.Context, report *figures.Report) error {
	if c.Conns < 1 || c.Rate < 0 {
		return fmt.Errorf("--conns=%d, --rate=%d: want a client at least, and no rate below 0", c.Conns, c.Rate)
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
	conns, err := w.Connect(ctx, crowd.Dialing{Addr: r.addr, Count: c.Conns})
	if err != nil {
		return err
	}
	p := newEchoes(conns, c.Rate)
	if c.Rate > 0 {
		if err := w.Every(max(time.Second/time.Duration(c.Rate), minTick)); err != nil {
			return err
		}
	}
	t := &figures.Table{Title: "echoes"}
	report.Tables = append(report.Tables, t)
	return c.play(ctx, r, w, p, "echo", "echo", "there and back", t)
}

// placed adds to about where the processes run.
func (o *options) placed(about string) string {
	if o.Bare {
		about += "; a bare server without gateway and worker"
	}
	if o.Pin {
		return about + "; servers on one core, clients on another"
	}
	return about + "; no process is pinned"
}

// minTick is the shortest pause between two looks at what is due.
const minTick = 100 * time.Microsecond

// echoes is the player of `echo`. A frame's body counts the frames of its conn, and
// the one that comes back must be the oldest that is out.
type echoes struct {
	conns []*crowd.Conn
	out   []outstanding
	rate  float64 // per second; 0: closed loop
	start time.Time
	sent  uint64 // by rate
	body  []byte
	now   score
}

// outstanding is what one conn has sent and not got back.
type outstanding struct {
	next uint64 // number of the next to come back
	at   []time.Time
}

func newEchoes(conns []*crowd.Conn, rate int) *echoes {
	e := &echoes{conns: conns, out: make([]outstanding, len(conns)), rate: float64(rate), body: filler()}
	e.now.times = new(hist.Hist)
	return e
}

func (e *echoes) score() *score { return &e.now }

func (e *echoes) begin() {
	e.start = time.Now()
	if e.rate > 0 {
		return
	}
	for _, c := range e.conns {
		e.send(c)
	}
}

func (e *echoes) send(c *crowd.Conn) {
	o := &e.out[c.ID]
	number(e.body[2:], o.next+uint64(len(o.at)))
	o.at = append(o.at, time.Now())
	c.Send(e.body)
}

// Frame implements crowd.Player.
func (e *echoes) Frame(c *crowd.Conn, payload []byte) {
	o := &e.out[c.ID]
	if len(o.at) == 0 || len(payload) != bodyBytes || numberIn(payload[2:]) != o.next {
		e.now.wrong++
		return
	}
	e.now.times.Add(time.Since(o.at[0]))
	e.now.done++
	o.next++
	o.at = o.at[:copy(o.at, o.at[1:])]
	if e.rate == 0 {
		e.send(c)
	}
}

// Tick sends what is due by now, one conn after the other.
func (e *echoes) Tick(uint64) {
	if e.start.IsZero() {
		return
	}
	for due := uint64(time.Since(e.start).Seconds() * e.rate); e.sent < due; e.sent++ {
		e.send(e.conns[e.sent%uint64(len(e.conns))])
	}
}

// Ended implements crowd.Player.
func (e *echoes) Ended(_ *crowd.Conn, why error) { e.now.over(why) }

// filler is a body: an echo without a number.
func filler() []byte {
	text := make([]byte, bodyBytes-2)
	for i := range text {
		text[i] = 'a' + byte(i%26)
	}
	return counterpart.Echo(nil, text)
}

// numberBytes is the length of a number in a body.
const numberBytes = 16

// number writes n as hexadecimal digits.
func number(dst []byte, n uint64) {
	const digits = "0123456789abcdef"
	for i := numberBytes - 1; i >= 0; i-- {
		dst[i] = digits[n&15]
		n >>= 4
	}
}

// numberIn reads what number wrote; anything else is a number nobody sent.
func numberIn(b []byte) (n uint64) {
	for _, d := range b[:numberBytes] {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d >= 'a' && d <= 'f':
			d -= 'a' - 10
		default:
			return ^uint64(0)
		}
		n = n<<4 | uint64(d)
	}
	return n
}
