package link

import (
	"slices"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// noteWithin bounds how long an event that runs alone waits for the gateways to have noted
// it. One that has not, because it stands still, may blame others for the end of this
// process.
const noteWithin = time.Second

// alone tells every gateway that e, which came into the box of one of them, is about to be
// handled while nothing else is, and waits until they know: should the process die of it,
// they count that against no other event. over tells them that others run again.
func (m *Mesh) alone(b *inbox.Box, e *inbox.Event) (over func()) {
	n := m.alones.Add(1)
	own := record.Alone{N: n, Conn: e.Conn, Term: e.Term, Seq: e.Seq}
	of := func(g *Gateway) record.Alone {
		if g.box == b {
			return own
		}
		return record.Alone{N: n}
	}
	var told []*Gateway
	for _, g := range m.roster.Load().all {
		if g.Can(record.FeatureAlone) && g.sayAlone(of(g)) {
			told = append(told, g)
		}
	}
	late := time.NewTimer(noteWithin)
	defer late.Stop()
	for slices.ContainsFunc(told, func(g *Gateway) bool { return !g.hasNoted(n) }) {
		select {
		case <-m.noted:
			continue
		case <-late.C:
		}
		break
	}
	return func() {
		for _, g := range told {
			a := of(g)
			a.Over = true
			g.sayAlone(a)
		}
	}
}

// sayAlone reports whether there is a stream to say it on.
func (g *Gateway) sayAlone(a record.Alone) bool {
	return g.log.note(32, func(dst []byte) []byte { return record.AppendAlone(dst, a) })
}

// hasNoted reports whether the gateway has noted that run n begins, or cannot any more.
func (g *Gateway) hasNoted(n uint64) bool {
	if g.noted.Load() >= n {
		return true
	}
	g.log.mu.Lock()
	defer g.log.mu.Unlock()
	return !g.log.live
}

// lookNoted makes alone look again.
func (m *Mesh) lookNoted() {
	select {
	case m.noted <- struct{}{}:
	default:
	}
}
