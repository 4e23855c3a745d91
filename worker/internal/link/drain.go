package link

import (
	"context"
)

// Drain gives the conns back. It returns when no gateway gives this process
// anything any more, every command is applied, or its gateway has ended, and every
// link has said goodbye, or with an error when ctx ends before. Run has to be
// running and goes on. It is called once.
func (m *Mesh) Drain(ctx context.Context) error {
	m.draining.Store(true)
	for _, g := range m.roster.Load().all {
		if !g.drained.Load() {
			g.sayDraining()
		}
	}
	for _, g := range m.roster.Load().all {
		// Without a stream there are no conns to give back.
		if err := g.log.settle(ctx, func() bool { return g.drained.Load() || !g.log.live }); err != nil {
			return err
		}
	}
	// No handler runs any more. Others may send without end: from here on they are
	// refused, and commands that wait for a stream are waited for.
	m.endLogs()
	for _, g := range m.roster.Load().all {
		if err := g.log.settle(ctx, func() bool { return g.log.flushed() || g.ended() }); err != nil {
			return err
		}
	}
	m.mu.Lock()
	close(m.finish)
	m.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		m.running.Wait() // no link is added any more; after ctx it ends with Run
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ended reports whether the gateway said that it drains, and has been without a stream for
// awayAfter since: it has ended, as far as can be told from here. The view says the same when
// there is a register. Its log's mu is held.
//
// It says Leaving when its drain begins, and its last sockets live as long as that lasts. If
// only the link broke, what waits in the log is lost to them: sends of whatever class, and
// commands, whose callers have had ErrAway. Who awaits a send hears that as well, so the
// chat's outbox sends it again. A gateway that has gone without a register to say so would
// hold up this drain for as long as one waited here.
func (g *Gateway) ended() bool { return g.leaving.Load() && g.log.away }

// endLogs makes all gateways take no more commands, also those that come later.
func (m *Mesh) endLogs() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for _, g := range m.roster.Load().all {
		g.log.end(ErrStopped)
	}
}

// finished reports whether Drain has ended well: links are not made any more.
func (m *Mesh) finished() bool {
	select {
	case <-m.finish:
		return true
	default:
		return false
	}
}

// askedToDrain passes on that somebody wants this process to drain. Who handles no events
// gives nothing back and takes no notice.
func (m *Mesh) askedToDrain(by *Gateway) {
	if m.asked == nil || !m.attach.GetServesEvents() || m.draining.Load() {
		return
	}
	m.log.Info("asked to drain", "gateway", by.member.ID)
	m.asked()
}
