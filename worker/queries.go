package worker

import (
	"context"
	"slices"

	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// ConnContext is what the gateway of a conn knows of it.
type ConnContext struct {
	Facts          *Facts
	User           string
	Groups         []string
	Session        []byte
	SessionVersion uint64 // 0: there is no session
}

// ConnContext reads what is known of a conn. It sees everything that was done
// before by this process. Stale: the conn has ended.
func (s *Sender) ConnContext(ctx context.Context, id connid.ID) (ConnContext, error) {
	g, err := s.gatewayOf(ctx, id)
	if err != nil {
		return ConnContext{}, err
	}
	k, err := s.worker.look(ctx, g, id.Conn)
	return ConnContext{Facts: k.facts, User: k.user, Groups: k.groups, Session: k.session, SessionVersion: k.version}, err
}

// look asks a gateway for one conn.
func (w *Worker) look(ctx context.Context, g *link.Gateway, conn uint64) (known, error) {
	r, err := w.ask(ctx, g, query(&gatewayv1.Query{Conn: &gatewayv1.ConnRef{Conn: conn}}))
	if err != nil {
		return known{}, err
	}
	if r.GetContext() == nil {
		return known{}, errStale
	}
	var k known
	k.learn(r.GetContext())
	return k, nil
}

func query(q *gatewayv1.Query) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Query{Query: q}}
}

// Online is who of the users that were asked for is online.
type Online struct {
	Conns map[string][]connid.ID // the conns of each user who has one
	Lost  []string               // gateways (their nodes) that left or did not answer: users may have conns there
}

// Online asks which of the users have conns, and which. Only gateways that have,
// or may have, one of them are asked.
func (s *Sender) Online(ctx context.Context, users ...string) (Online, error) {
	online := Online{Conns: make(map[string][]connid.ID)}
	if err := checkNames("user", users); err != nil {
		return online, err
	}
	lost, err := s.ask(ctx, route.User, users,
		func(names []string) *gatewayv1.Query { return &gatewayv1.Query{Users: names} },
		func(g *link.Gateway, r *gatewayv1.Result) {
			for _, u := range r.GetUsers() {
				for _, conn := range u.GetConns() {
					online.Conns[u.GetUser()] = append(online.Conns[u.GetUser()], connid.ID{Gateway: g.Boot(), Conn: conn})
				}
			}
		})
	online.Lost = lost
	return online, err
}

// ConnsOf returns the conns of one user, and the gateways that did not answer.
func (s *Sender) ConnsOf(ctx context.Context, user string) (ids []connid.ID, lost []string, err error) {
	online, err := s.Online(ctx, user)
	return online.Conns[user], online.Lost, err
}

// Counts are what a gateway has, or all of them together.
type Counts struct {
	Conns  int
	Users  int // in a sum: a user with conns on two gateways counts twice
	Groups int // in a sum: a group with conns on two gateways counts twice
}

// Totals are the counts of the cluster, and of each gateway.
type Totals struct {
	Counts
	Gateways map[string]Counts       // by node
	Workers  map[string]WorkerCounts // by node: those that handle events, as the gateways that answered see them
	Lost     []string                // gateways that left or did not answer
}

// WorkerCounts are what a worker has.
type WorkerCounts struct {
	Conns    int  // that it acts for
	Draining bool // it gives them back
}

// Totals asks every gateway for its counts, which cost it nothing: it keeps them.
func (s *Sender) Totals(ctx context.Context) (Totals, error) {
	t := Totals{Gateways: make(map[string]Counts), Workers: make(map[string]WorkerCounts)}
	if err := s.known(ctx); err != nil {
		return t, err
	}
	counts := query(&gatewayv1.Query{Counts: true, Workers: true})
	lost, err := s.worker.askAll(ctx, s.worker.mesh.Gateways(), false, func(*link.Gateway) *gatewayv1.Command { return counts }, func(g *link.Gateway, r *gatewayv1.Result) {
		c := Counts{Conns: int(r.GetCounts().GetConns()), Users: int(r.GetCounts().GetUsers()), Groups: int(r.GetCounts().GetGroups())}
		t.Gateways[g.Node()] = c
		t.Conns += c.Conns
		t.Users += c.Users
		t.Groups += c.Groups
		for _, w := range r.GetWorkers().GetList() {
			if !w.GetServesEvents() && !w.GetDraining() {
				continue // it only sends
			}
			has := t.Workers[w.GetNode()]
			has.Conns += int(w.GetConns())
			has.Draining = has.Draining || w.GetDraining()
			t.Workers[w.GetNode()] = has
		}
	})
	t.Lost = lost
	return t, err
}

// ask gives each gateway that has, or may have, one of the names the query about
// those that concern it.
func (s *Sender) ask(ctx context.Context, kind route.Kind, names []string, about func([]string) *gatewayv1.Query, each func(*link.Gateway, *gatewayv1.Result)) (lost []string, err error) {
	if err := s.known(ctx); err != nil || len(names) == 0 {
		return nil, err
	}
	var plan link.Plan
	s.worker.mesh.Reach(&plan, kind, names)
	questions := make(map[*link.Gateway]*gatewayv1.Command, len(plan.Shares))
	to := make([]*link.Gateway, 0, len(plan.Shares))
	for _, share := range plan.Shares {
		questions[share.To] = query(about(slices.Clone(share.Names)))
		to = append(to, share.To)
	}
	return s.worker.askAll(ctx, to, false, func(g *link.Gateway) *gatewayv1.Command { return questions[g] }, each)
}
