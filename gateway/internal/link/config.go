package link

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// Encode builds a frame; ws.Encoder.Frame is the one there is.
type Encode func(op frame.Op, body []byte, class frame.Class, key string) (*frame.Frame, error)

// What a conn's context may grow to must fit into one record: its groups, each
// with a name of maxNameBytes, its session, and the facts of its handshake, for
// which 64 KiB are left.
const (
	MaxGroupsPerConn   = (record.MaxBody - maxMaxSessionBytes - 64<<10) / (maxNameBytes + 4)
	maxMaxSessionBytes = 256 << 10
)

// maxEventTries is what an event's count has room for, and far more than is of use.
const maxEventTries = 100

// Config is what a Link is made from. Zero values of the limits become the
// defaults beside them.
type Config struct {
	Identity handshake.Identity
	Secrets  []string
	Hub      *hub.Hub
	Encode   Encode
	Log      *slog.Logger

	// OnLink, if set, hears of every stream that came up or ended. It is called
	// from the stream's goroutine and must not block.
	OnLink func(boot uint64, alive bool)

	// OnDrain begins the drain of the gateway; it must not block, and may be called again.
	// OnShed asks a share of the conns to move, over a window, and returns how many that
	// will be, at once; an error says why not now. nil: the command is unknown.
	OnDrain func()
	OnShed  func(share float64, window time.Duration) (asked int, err error)

	PublicURL       string
	WorkerPatience  time.Duration // 3 s: a worker silent for longer is given up
	OpenTimeout     time.Duration // 5 s, used when the handshake has no deadline of its own
	MaxSessionBytes int           // 16 KiB
	MaxFrameBytes   int           // 64 KiB, as ws reads them; told to workers
	MaxStrangers    int           // 256 connections that have not passed the handshake, a quarter of them from one host
	MaxUnackedBytes int64         // 256 MiB of memory held for events of all conns
	EventTries      int           // 4 tries that an event has whose handling costs workers; the last is alone on its worker
	LastWords       time.Duration // 500 ms that the end of a gateway waits for a worker to take what it was told

	Routing
	LevelEvery time.Duration // 1 s between looks at who has which share
}

// CheckLimits reports every limit that is wrong, naming the flag.
func (c Config) CheckLimits() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.WorkerPatience != 0 && c.WorkerPatience < settleWait {
		bad("worker-patience is %v: want %v or more, the time that routes may need to settle", c.WorkerPatience, settleWait)
	}
	if c.OpenTimeout < 0 {
		bad("open-timeout is %v: want a positive time, or 0 for the default", c.OpenTimeout)
	}
	if c.MaxFrameBytes < 0 || c.MaxFrameBytes > record.MaxPayload {
		bad("max-frame-bytes is %d: want at most %d, what one record of the link holds", c.MaxFrameBytes, record.MaxPayload)
	}
	if c.MaxSessionBytes < 0 || c.MaxSessionBytes > maxMaxSessionBytes {
		bad("max-session-bytes is %d: want at most %d", c.MaxSessionBytes, maxMaxSessionBytes)
	}
	if c.MaxStrangers < 0 {
		bad("max-strangers is %d: want a positive number, or 0 for the default", c.MaxStrangers)
	}
	if c.MaxUnackedBytes < 0 {
		bad("unacked-sum is %d: want a positive number, or 0 for the default", c.MaxUnackedBytes)
	}
	if c.EventTries != 0 && (c.EventTries < 2 || c.EventTries > maxEventTries) {
		bad("event-tries is %d: want 2 to %d, or 0 for the default", c.EventTries, maxEventTries)
	}
	errs = append(errs, c.Routing.check())
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.WorkerPatience == 0 {
		c.WorkerPatience = 3 * time.Second
	}
	if c.OpenTimeout == 0 {
		c.OpenTimeout = 5 * time.Second
	}
	if c.MaxSessionBytes == 0 {
		c.MaxSessionBytes = 16 << 10
	}
	if c.MaxFrameBytes == 0 {
		c.MaxFrameBytes = 64 << 10
	}
	if c.MaxStrangers == 0 {
		c.MaxStrangers = MaxStrangers
	}
	if c.MaxUnackedBytes == 0 {
		c.MaxUnackedBytes = 256 << 20
	}
	if c.EventTries == 0 {
		c.EventTries = 4
	}
	if c.LastWords == 0 {
		c.LastWords = 500 * time.Millisecond
	}
	c.Routing = c.Routing.withDefaults()
	if c.LevelEvery == 0 {
		c.LevelEvery = time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnLink == nil {
		c.OnLink = func(uint64, bool) {}
	}
	return c
}
