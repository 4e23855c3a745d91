package fakegate

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// session is what outlives a worker's streams.
type session struct {
	applied uint64
	results map[uint64][]byte // nil body: owed
	peer    *peer
}

// peer is one attached worker. Gateway.mu guards it.
type peer struct {
	gateway  *Gateway
	session  *session
	serves   bool
	draining bool
	drained  bool
	owned    int
	acked    uint64 // highest delta

	out    []byte // what the stream is to be given
	wake   chan struct{}
	gone   bool
	ending sync.Once
	ended  chan struct{}
}

// Serve is the life of a stream after the handshake. It returns when the worker
// has gone or Cut was called.
func (g *Gateway) Serve(boot uint64, stream Stream) error {
	p := &peer{gateway: g, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	g.thawed()
	batch, err := stream.Recv()
	if err != nil {
		return err
	}
	r := record.NewReader(batch)
	if !r.Next() || r.Kind() != record.KindAttach {
		return errors.New("the first record is not Attach")
	}
	m := &gatewayv1.Attach{}
	if err := proto.Unmarshal(r.Attach(), m); err != nil {
		return err
	}
	p.serves = m.GetServesEvents()
	batch = batch[len(r.Raw()):]
	g.join(p, boot)
	defer g.giveUp(p)

	sent := make(chan error, 1)
	go func() { sent <- p.send(stream) }()
	received := make(chan error, 1)
	go func() { received <- p.receive(stream, batch) }()
	select {
	case err = <-received:
		g.mu.Lock()
		p.end()
		g.mu.Unlock()
		<-sent
	case err = <-sent:
	}
	return err
}

// join attaches p: the older stream of the same worker ends, and the snapshot
// begins.
func (g *Gateway) join(p *peer, boot uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sessions[boot]
	if s == nil {
		s = &session{results: make(map[uint64][]byte)}
		g.sessions[boot] = s
	}
	if s.peer != nil {
		g.drop(s.peer)
	}
	s.peer, p.session = p, s
	first, err := record.AppendAttached(nil, attachedBody(s.applied, g.Node))
	if err != nil {
		panic(err)
	}
	p.write(first)
	g.interest.snapshot(p)
	g.peers = append(g.peers, p)
	parked := g.parked
	g.parked = nil
	for _, c := range parked {
		c.pump()
	}
	g.tell()
}

// giveUp ends p: its conns move.
func (g *Gateway) giveUp(p *peer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drop(p)
	g.tell()
}

func (g *Gateway) drop(p *peer) {
	if p.gone {
		return
	}
	p.gone = true
	p.end()
	if p.session.peer == p {
		p.session.peer = nil
	}
	for i, other := range g.peers {
		if other == p {
			g.peers = append(g.peers[:i:i], g.peers[i+1:]...)
			break
		}
	}
	for _, c := range g.conns {
		if c.owner == p {
			c.move()
		}
	}
	g.interest.release(g)
}

// pick returns the serving worker that has least, nil when there is none.
func (g *Gateway) pick() *peer {
	var least *peer
	for _, p := range g.peers {
		if p.serves && !p.draining && !p.gone && (least == nil || p.owned < least.owned) {
			least = p
		}
	}
	return least
}

// write queues records. g.mu is held.
func (p *peer) write(records []byte) {
	p.out = append(p.out, records...)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *peer) end() { p.ending.Do(func() { close(p.ended) }) }

func (p *peer) send(stream Stream) error {
	for {
		p.gateway.mu.Lock()
		batch := p.out
		p.out = nil
		p.gateway.mu.Unlock()
		if len(batch) > 0 {
			if err := stream.Send(batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-p.wake:
		case <-p.ended:
			return errors.New("cut by the gateway")
		}
	}
}

func (p *peer) receive(stream Stream, batch []byte) error {
	for {
		p.gateway.thawed()
		if err := p.gateway.apply(p, batch); err != nil {
			return fmt.Errorf("from the worker: %w", err)
		}
		var err error
		if batch, err = stream.Recv(); err != nil {
			return err
		}
	}
}
