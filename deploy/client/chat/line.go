package chatclient

import (
	"context"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/fault"

	"github.com/parley-im/parley/deploy/client"
)

// line is one conn, from the handshake to its end. Client.mu guards it.
type line struct {
	n       int
	conn    *client.Conn
	record  ConnRecord
	ctx     context.Context // ends with the conn
	goes    sync.WaitGroup  // calls of Config.Token
	out     [][]byte        // frames to be written, one per call
	pending map[uint64]*call
	overdue map[uint64]*call // whose answers nobody waits for any more

	live     bool // its session is open
	entering bool // it waits for a token, or for the answer to openSession
	tokened  bool // it was given a token
	entry    pace // between tries of that
	entryAt  time.Time
	fatal    error // ends the client; the conn was cut because of it

	renewing bool
	renewal  pace            // between tries of that
	unknown  map[string]bool // whose presence is to be asked for
	asking   bool            // for presence
	news     map[string]bool // of whom there was some since
	inquiry  pace            // between tries of that
	askAt    time.Time
}

// goodbye is how long a conn has to answer our close frame.
const goodbye = time.Second

// once dials and serves one conn. An error ends the client; end says what the end of
// the conn means, and stable that it was a good one.
func (c *Client) once(ctx context.Context) (end ending, stable bool, err error) {
	l, failed := c.dial(ctx)
	if l == nil {
		return failed, false, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.mu.Lock()
	l.ctx = ctx
	c.line = l
	c.tell()
	c.mu.Unlock()

	cause := c.serve(ctx, l)
	cancel()
	l.goes.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	end = endingOf(cause)
	if end.token {
		c.auth.spend()
	}
	c.line = nil
	wasLive := l.live
	l.live = false
	l.drop()
	c.leaveAll()
	if wasLive && c.cfg.Hooks.Live != nil {
		c.cfg.Hooks.Live(false)
	}
	l.record.Code, l.record.Reason = end.code, end.reason
	stable = wasLive && c.at(now)-l.record.Live >= c.cfg.Times.Stable
	c.finish(l.record, now)
	c.cfg.Log.Debug("conn ended", "conn", l.n, "device", c.cfg.Device, "code", int(end.code), "reason", end.reason)
	return end, stable, l.fatal
}

// finish writes down the end of a conn.
func (c *Client) finish(r ConnRecord, now time.Time) {
	r.Ended = c.at(now)
	c.ended = kept(c.ended, c.cfg.Keep.Conns, r)
	if c.cfg.Hooks.Ended != nil {
		c.cfg.Hooks.Ended(r)
	}
}

// dial opens a socket to the gateway whose turn it is.
func (c *Client) dial(ctx context.Context) (*line, ending) {
	c.mu.Lock()
	c.conns++
	c.n.Dials++
	l := &line{n: c.conns, entry: c.retryPace(), renewal: c.retryPace(), inquiry: c.retryPace(), unknown: map[string]bool{}, news: map[string]bool{}, pending: map[uint64]*call{}, overdue: map[uint64]*call{}}
	l.record = ConnRecord{N: l.n, Gateway: c.gateway, Dialled: c.at(time.Now())}
	c.mu.Unlock()

	within, cancel := context.WithTimeout(ctx, c.cfg.Times.Dial)
	defer cancel()
	conn, err := client.Dial(within, l.record.Gateway, c.cfg.Socket)

	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if err == nil && conn.Header().Get("Sec-WebSocket-Protocol") != subprotocol {
		conn.Cut()
		c.breach(now, "", 0, NotProtocol, "the server does not take the subprotocol")
		err = &client.Refused{Status: 101, Body: "without the subprotocol"}
	}
	if err != nil {
		end := endingOf(err)
		end.code = 0
		l.record.Reason = end.reason
		if ctx.Err() == nil {
			c.n.FailedDials++
			c.finish(l.record, now)
		}
		return nil, end
	}
	conn.SetSilence(c.cfg.Times.Silence)
	l.conn = conn
	l.record.Opened = c.at(now)
	return l, ending{}
}

// serve reads, writes and watches the clock until the conn ends, and returns how.
func (c *Client) serve(ctx context.Context, l *line) error {
	read := make(chan error, 1)
	go func() { read <- c.read(l) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c.mu.Lock()
		select {
		case <-c.wake: // what it was for is done now; what step itself begins wakes again
		default:
		}
		now := time.Now()
		next := c.step(l, now)
		out := l.out
		l.out = nil
		c.mu.Unlock()
		for _, frame := range out {
			if err := l.conn.SendFrame(client.Text, frame); err != nil {
				l.conn.Cut() // read finds out, and knows of a close frame that came before
				break
			}
		}
		timer.Reset(next.Sub(now))
		select {
		case <-c.wake:
		case <-timer.C:
		case err := <-read:
			return err
		case <-ctx.Done():
			_ = l.conn.Close(int(fault.CloseNormal), "") // if it cannot be said, it is cut
			timer.Reset(goodbye)
			select {
			case err := <-read:
				return err
			case <-timer.C:
				l.conn.Cut()
				return <-read
			}
		}
	}
}

// read hands over what comes until the conn ends.
func (c *Client) read(l *line) error {
	defer l.conn.Cut()
	for {
		m, err := l.conn.Read()
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.receivedFrame(l, m, time.Now())
		c.mu.Unlock()
	}
}

// step does what is to be done at this moment and returns when to look again.
func (c *Client) step(l *line, now time.Time) time.Time {
	next := now.Add(time.Minute)
	for _, at := range []time.Time{
		c.expire(l, now), c.enter(l, now), c.renew(l, now), c.compare(l, now), c.ask(l, now), c.post(l, now), c.repair(l, now),
	} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return next
}

// fail ends the client because of what a server said.
func (c *Client) fail(l *line, cause error) {
	if l.fatal == nil {
		l.fatal = &EndedError{Cause: cause}
	}
	l.conn.Cut()
}
