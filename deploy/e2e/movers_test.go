package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/verify"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/worker"
)

// TestUsersWhoMoveMissNothing lets users go from gateway to gateway of sixteen all the time,
// while senders in two worker processes and in one without a handler send 10,000 numbered
// messages to them. Every user has one conn at a time, which it closes before it opens the
// next. Half of them are bound in the handshake, half by a frame.
//
// For a message, let s be before its send began and e after its result was there; for a
// conn, let a be after the handshake, or the answer to the frame that bound it, was read,
// and b before its close frame was written. All are read from one clock. Then:
//
//   - a message with a < s and e < b comes to the conn, exactly once;
//   - no message comes to a conn twice, or to a conn of another user;
//   - what one sender sends comes to a conn in the order in which it was sent;
//   - the result names the user as offline only if no conn of the user has a < s and e < b,
//     and says that it hit as many conns as the message came to, or more;
//   - a stale route costs a command that finds nobody: a message costs at most one more
//     than it hits, and sixteen gateways get no more than the senders gave away.
func TestUsersWhoMoveMissNothing(t *testing.T) {
	t.Parallel()
	messages := 10_000
	if testing.Short() {
		messages = 2_000
	}
	c := cast{gateways: 16, workers: 2}
	c.withDefaults()
	s := processes(t, c, func(cfg *local.Config) {
		plainly(t, cfg)
		cfg.Programs.Worker = plainAnswer(t)
	})
	begin(t, s)
	eventually(t, func() bool { return s.Sender().Stats().InStep == 16 }, func() string { return "the sender is not in step" })
	r := &rush{staged: s, messages: int64(messages)}
	ctx, over := context.WithCancel(t.Context())
	defer over()
	var moving, sending errgroup.Group
	for i := range r.users {
		moving.Go(func() error { return r.moves(ctx, i) })
	}
	eventually(t, func() bool { return r.moved.Load() >= int64(len(r.users)) }, func() string { return "not everybody has come" })
	began := time.Now()
	for i := range 4 {
		sending.Go(func() error { return r.sendsOutside(t.Context(), i) })
	}
	for i := range 12 {
		sending.Go(func() error { return r.sendsInside(t.Context(), i) })
	}
	must(t, sending.Wait())
	took := time.Since(began)
	over()
	must(t, moving.Wait())
	due, offline := r.judge(t)
	t.Logf("%d messages in %v, %d moves; %d conns were there for all of a message, %d times nobody was; %d commands found %d conns",
		len(r.sent), took.Round(time.Millisecond), r.moved.Load(), due, offline, r.commands(t), r.deliveries(t))
}

// plainAnswer is the worker of package answer as users would run it.
func plainAnswer(t *testing.T) string {
	t.Helper()
	built, err := build.Builder{}.Programs(t.Context(), verify.Worker)
	must(t, err)
	return built[verify.Worker]
}

// rush is a run of the test.
type rush struct {
	*staged
	messages int64 // that are to be sent
	begun    atomic.Int64
	moved    atomic.Int64
	users    [24]mover

	mu   sync.Mutex
	sent []message
	by   map[string]bool // processes that handled a send
}

// mover is one user, and all the conns that it had.
type mover struct {
	mu    sync.Mutex
	stays []*stay
}

// stay is one conn of a user.
type stay struct {
	opened, closing time.Time
	heard           []string
}

// message is one that was sent.
type message struct {
	text         string
	user         int
	began, ended time.Time
	result       *worker.Result // nil: the handler kept it to itself
}

func userOfMover(i int) string { return answer.User(fmt.Sprint("m", i), 0) }

// moves goes from gateway to gateway until ctx ends.
func (r *rush) moves(ctx context.Context, i int) error {
	for n := 0; ctx.Err() == nil; n++ {
		s, err := r.stays(ctx, i, rand.N(16))
		if err != nil {
			return fmt.Errorf("user %d, conn %d: %w", i, n, err)
		}
		m := &r.users[i]
		m.mu.Lock()
		m.stays = append(m.stays, s)
		m.mu.Unlock()
		r.moved.Add(1)
	}
	return nil
}

// stays opens a conn, reads for a while, and closes it.
func (r *rush) stays(ctx context.Context, i, gateway int) (*stay, error) {
	url := r.URL(gateway)
	if i%2 == 0 {
		url += "?tag=m" + fmt.Sprint(i)
	}
	conn, err := client.Dial(context.WithoutCancel(ctx), url, client.Options{ReadBuffer: 512})
	if err != nil {
		return nil, err
	}
	defer conn.Cut()
	s := &stay{opened: time.Now()}
	if i%2 == 1 {
		if err := conn.Send(answer.Ask(answer.As, "bind", 1, userOfMover(i))); err != nil {
			return nil, err
		}
	}
	var said sync.WaitGroup
	bound := make(chan time.Time, 1)
	var end error
	said.Go(func() {
		for {
			var m client.Message
			if m, end = conn.ReadWithin(everything); end != nil {
				return
			}
			if text := string(m.Payload); strings.HasPrefix(text, "bind 1 ") {
				bound <- time.Now()
			} else {
				s.heard = append(s.heard, text)
			}
		}
	})
	if i%2 == 1 {
		select {
		case s.opened = <-bound:
		case <-time.After(everything):
			return nil, errors.New("the bind was not answered")
		}
	}
	select {
	case <-time.After(10*time.Millisecond + rand.N(60*time.Millisecond)):
	case <-ctx.Done():
	}
	s.closing = time.Now()
	if err := conn.Close(1000, ""); err != nil {
		return nil, err
	}
	said.Wait()
	var closed *client.Closed
	if !errors.As(end, &closed) || closed.Code != 1000 {
		return nil, end
	}
	return s, nil
}

// next draws who gets the next message, while there is one to be sent.
func (r *rush) next() (user int, ok bool) {
	return rand.N(len(r.users)), r.begun.Add(1) <= r.messages
}

func (r *rush) note(m message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, m)
}

// sendsOutside sends from this process.
func (r *rush) sendsOutside(ctx context.Context, i int) error {
	for n := 1; ; n++ {
		user, ok := r.next()
		if !ok {
			return nil
		}
		m := message{text: fmt.Sprintf("msg out%d %d", i, n), user: user, began: time.Now(), result: &worker.Result{}}
		if err := r.Sender().Sender().ToUser(ctx, userOfMover(user), worker.Text(m.text), worker.Await(m.result)); err != nil {
			return fmt.Errorf("%s: %w", m.text, err)
		}
		m.ended = time.Now()
		r.note(m)
	}
}

// sendsInside asks a handler to send, again and again.
func (r *rush) sendsInside(ctx context.Context, i int) error {
	tag := fmt.Sprint("in", i)
	conn, err := client.Dial(ctx, r.URL(i)+"?tag="+tag, client.Options{})
	if err != nil {
		return err
	}
	defer conn.Cut()
	for n := uint64(1); ; n++ {
		user, ok := r.next()
		if !ok {
			return nil
		}
		m := message{text: fmt.Sprintf("msg %s %d", tag, n), user: user, began: time.Now()}
		if err := conn.Send(answer.Ask(answer.To, tag, n, userOfMover(user))); err != nil {
			return err
		}
		got, err := conn.ReadWithin(everything)
		if err != nil {
			return fmt.Errorf("%s: %w", m.text, err)
		}
		a, ok := answer.ParseAnswer(string(got.Payload))
		if !ok || a.N != n {
			return fmt.Errorf("%s was answered by %q", m.text, got.Payload)
		}
		m.ended = time.Now()
		r.note(m)
		r.mu.Lock()
		if r.by == nil {
			r.by = map[string]bool{}
		}
		r.by[a.Who] = true
		r.mu.Unlock()
	}
}

// judge holds what came against the law. It returns how often a conn was there for all of a
// message, and how often nobody was there.
func (r *rush) judge(t *testing.T) (dues, offline int) {
	t.Helper()
	if len(r.by) != 2 {
		t.Errorf("handlers of %d processes have sent, want 2", len(r.by))
	}
	came := map[string]int{} // conns that heard it
	sentTo := map[string]int{}
	for _, m := range r.sent {
		sentTo[m.text] = m.user
	}
	for i := range r.users {
		for n, s := range r.users[i].stays {
			last := map[string]int{}
			for _, text := range s.heard {
				came[text]++
				a, _ := answer.ParseAnswer(text)
				if user, ok := sentTo[text]; !ok || user != i {
					t.Errorf("conn %d of user %d heard %q, which was not for it", n, i, text)
				}
				if last[a.Tag] >= int(a.N) {
					t.Errorf("conn %d of user %d heard %q after number %d", n, i, text, last[a.Tag])
				}
				last[a.Tag] = int(a.N)
			}
		}
	}
	for _, m := range r.sent {
		due := 0
		for n, s := range r.users[m.user].stays {
			if s.opened.Before(m.began) && m.ended.Before(s.closing) {
				due++
				if !slices.Contains(s.heard, m.text) {
					t.Errorf("conn %d of user %d missed %q: opened %v before it began, closed %v after it had ended", n, m.user, m.text, m.began.Sub(s.opened), s.closing.Sub(m.ended))
				}
			}
		}
		dues += due
		if m.result == nil {
			continue
		}
		off := len(m.result.Offline) > 0
		if off {
			offline++
		}
		if len(m.result.Lost) > 0 || off && (due > 0 || m.result.Hit > 0) || !off && m.result.Hit == 0 && m.result.Dropped == 0 || m.result.Hit < came[m.text] || m.result.Hit < due {
			t.Errorf("%q: %+v, it came to %d conns, and %d were there all the time", m.text, *m.result, came[m.text], due)
		}
	}
	if commands, hits := r.commands(t), r.deliveries(t); commands > hits+len(r.sent) {
		t.Errorf("%d commands for %d messages, which %d conns got", commands, len(r.sent), hits)
	}
	// What was given away, arrived.
	var given float64
	for _, w := range r.Workers() {
		given += sum(t, []player{w}, "parley_worker_sends_total")
	}
	given += metricsOf(t, r.Sender()).Sum("parley_worker_sends_total")
	if got := r.commands(t); got != int(given) {
		t.Errorf("the senders gave away %g commands, the gateways got %d", given, got)
	}
	if dues < len(r.sent)/20 || offline == 0 {
		t.Errorf("of %d messages %d had a conn all the time, and %d nobody: little was tried", len(r.sent), dues, offline)
	}
	return dues, offline
}

func (r *rush) commands(t *testing.T) int {
	return int(sum(t, r.Gateways(), "parley_gateway_sends_total"))
}

func (r *rush) deliveries(t *testing.T) int {
	return int(sum(t, r.Gateways(), "parley_gateway_deliveries_total"))
}
