package register

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

// joining is our lease at one register, held open by a stream.
type joining struct {
	s       *session
	stream  registerv1.RegisterService_JoinClient
	dog     *watchdog
	end     context.CancelFunc // ends the stream
	beat    time.Duration
	told    uint64 // revision of the facts the register knows
	leaving bool   // the leave has been sent

	answers chan *registerv1.JoinResponse
	over    chan struct{} // closed when the stream has ended
	err     error         // why; set before over is closed
}

// join announces this process and returns when the register has granted the lease.
func (s *session) join(ctx context.Context, cancel context.CancelCauseFunc) (j *joining, err error) {
	ctx, end := context.WithCancel(ctx)
	dog := newWatchdog(s.c.cfg.Lease, cancel)
	defer func() {
		if err != nil {
			dog.stop()
			end()
			err = fmt.Errorf("join: %w", err)
		}
	}()
	stream, err := s.rpc.Join(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.shake(joinSteps{stream}); err != nil {
		return nil, err
	}
	dog.heard()
	j = &joining{
		s: s, stream: stream, dog: dog, end: end,
		answers: make(chan *registerv1.JoinResponse), over: make(chan struct{}),
	}
	self := s.c.ask(s.addr)
	if self == nil {
		return nil, errAnew
	}
	if err := j.announce(self); err != nil {
		return nil, err
	}
	m, err := stream.Recv()
	switch {
	case err != nil:
		return nil, err
	case m.GetDraining() != nil:
		return nil, errDraining
	case m.GetGranted() == nil:
		return nil, errors.New("a grant was due")
	}
	dog.setLease(m.GetGranted().GetLeaseMs())
	if j.beat = time.Duration(m.GetGranted().GetBeatMs()) * time.Millisecond; j.beat <= 0 {
		j.beat = dog.after / 3
	}
	s.c.granted()
	s.reached()
	return j, nil
}

// run keeps the lease until this process leaves (then it returns nil and the
// session goes on) or the stream ends.
func (j *joining) run(ctx context.Context) error {
	defer func() {
		j.dog.stop()
		j.end()
		<-j.over
	}()
	go j.receive(ctx)
	if err := j.loop(ctx); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}

// receive passes on what the register answers until the stream ends.
func (j *joining) receive(ctx context.Context) {
	defer close(j.over)
	for {
		m, err := j.stream.Recv()
		if err != nil {
			j.err = err
			return
		}
		select {
		case j.answers <- m:
		case <-j.stream.Context().Done():
			j.err = context.Cause(ctx)
			return
		}
	}
}

func (j *joining) loop(ctx context.Context) error {
	c := j.s.c
	beat := time.NewTicker(j.beat)
	defer beat.Stop()
	for {
		self, leaving, wake := c.announced()
		var err error
		switch {
		case j.leaving:
		case leaving != nil && leaving.revision > j.told:
			j.leaving = true
			err = j.send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Leave{
				Leave: &registerv1.Leave{Revision: leaving.revision},
			}})
		case self != nil && self.facts > j.told:
			err = j.announce(self)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-j.over:
			return j.err
		case <-wake:
		case m := <-j.answers:
			j.dog.heard()
			switch {
			case m.GetLeft() != nil:
				c.unleased(j.s.addr, true)
				return nil
			case m.GetDraining() != nil:
				return errDraining
			}
		case <-beat.C:
			if self, _, _ := c.announced(); self != nil && !j.leaving {
				if err := j.send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Beat{
					Beat: &registerv1.JoinBeat{Load: self.member.Load, Revision: self.revision},
				}}); err != nil {
					return err
				}
			}
		}
	}
}

func (j *joining) announce(self *announcement) error {
	j.told = self.facts
	return j.send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Announce{
		Announce: &registerv1.Announce{Member: self.member.Proto(self.revision)},
	}})
}

// send never waits long: what a member says is small, and when nothing passes any
// more the watchdog ends the session.
func (j *joining) send(m *registerv1.JoinRequest) error {
	err := j.stream.Send(m)
	if !errors.Is(err, io.EOF) {
		return err
	}
	// The register ended the stream; the reader knows why, once it runs.
	select {
	case <-j.over:
		return j.err
	case m := <-j.answers:
		if m.GetDraining() != nil {
			return errDraining
		}
		return err
	case <-j.stream.Context().Done():
		return err
	}
}
