package register

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/register/handshake"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// keep holds one session after the other with a register until ctx ends.
func (c *Client) keep(ctx context.Context, addr string) {
	const firstPause = 50 * time.Millisecond
	pause, attempt, complained := firstPause, 0, -waitLogEvery
	for {
		begun := time.Since(c.start)
		s := &session{c: c, addr: addr, log: c.cfg.Log.With("register", addr), attempt: attempt}
		err := s.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errAnew) {
			continue
		}
		now := time.Since(c.start)
		switch wasUp := c.failed(addr); {
		case wasUp:
			s.log.Warn("register lost", "err", brief(err))
			if now-begun >= c.cfg.Lease { // else it takes us and cuts us: a full one, for example
				pause = firstPause
			}
		case unreachable(err):
			s.log.Debug("register not reached", "err", brief(err))
		case now-complained >= waitLogEvery:
			s.log.Error("register refuses this process", "err", brief(err))
			complained = now
		}
		c.sayWaiting(now, err)
		if errors.Is(err, handshake.ErrSecret) {
			attempt++
		}
		// Jitter: a register that restarts is not dialled by everybody at once.
		t := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		pause = min(2*pause, c.cfg.MaxBackoff)
	}
}

// unreachable says whether err is of the kind that passes by itself.
func unreachable(err error) bool {
	if errors.Is(err, errSilent) || errors.Is(err, errDraining) {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
		return true
	}
	return false
}

// brief is err as a person reads it: without what gRPC wraps around a message.
func brief(err error) string {
	text := err.Error()
	if s, ok := status.FromError(err); ok && s != nil {
		text = s.Message()
		if _, inner, ok := strings.Cut(text, "rpc error: code = "); ok {
			_, text, _ = strings.Cut(inner, "desc = ")
		}
	}
	if _, quoted, ok := strings.Cut(text, "connection error: desc = "); ok {
		if inner, err := strconv.Unquote(quoted); err == nil {
			text = inner
		}
	}
	return strings.TrimPrefix(text, "transport: ")
}
