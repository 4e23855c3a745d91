package chat

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/verify/screens"
)

var silent = slog.New(slog.DiscardHandler)

// Result is the outcome of a run.
type Result struct {
	Database string           `json:"database"`
	Findings screens.Findings `json:"findings"`
	Faults   map[string]int   `json:"faults"` // by role and kind
	Problems []string         `json:"problems,omitempty"`
	Took     time.Duration    `json:"tookNs"`

	Users, Directs, Groups int
	Talked                 time.Duration `json:"talkedNs"`
	AckedPerSecond         float64       `json:"ackedPerSecond"`
	Resumes                int64         `json:"resumes"`
	Redelivered            float64       `json:"redelivered"` // events that another worker may have handled before
	HistoryFetches         int64         `json:"historyFetches"`
	Rescued                float64       `json:"rescued"` // rows of the outbox
	Duplicates             int64         `json:"duplicatesAnswered"`
	DoublePushes           int64         `json:"doublePushes"` // that clients dropped
	Resends                int64         `json:"resends"`
	Temporary              int64         `json:"temporary"`  // answers that said "try again"
	Ended                  int64         `json:"ended"`      // conns that ended while people talked
	Left                   int           `json:"left"`       // rows in the outbox at the end
	Violations             int64         `json:"violations"` // that clients noticed themselves
}

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// OK reports whether every promise was kept.
func (r *Result) OK() bool { return r.Findings.Clean() && len(r.Problems) == 0 }

// Run lets people talk while things break, and compares at the end. An error means that
// the run itself could not be done.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	began := time.Now()
	res := &Result{Database: c.Database, Faults: map[string]int{}}
	c.Say("%s: %d users, %d sends/s, %d gateways, %d workers, seed %d", c.Database, c.Users, c.Rate, c.Gateways, c.Workers, c.Seed)
	r, err := c.setup(ctx)
	if err != nil {
		return nil, err
	}
	defer r.close()
	attended := make(chan struct{})
	attending, unattend := context.WithCancel(ctx)
	go func() {
		defer close(attended)
		r.attend(attending, c.Say)
	}()
	defer func() {
		unattend()
		<-attended
	}()
	p, err := c.gather(ctx, r.urls(), began)
	if p != nil {
		defer p.leave()
	}
	if err != nil {
		return nil, fmt.Errorf("gather: %w", err)
	}
	r.cut = p.cut
	res.Users, res.Directs, res.Groups = p.users, p.direct, p.groups
	c.Say("%s: everybody is there, %d devices, after %.0f s", c.Database, len(p.all), time.Since(began).Seconds())
	if err := c.fire(ctx, r, p, res); err != nil {
		return nil, err
	}
	unattend()
	<-attended
	for name, yet := range r.armed {
		if yet {
			res.problem("%s never came to the point where it was to die", name)
		}
	}
	if err := c.settle(ctx, r, p, res); err != nil {
		return nil, err
	}
	err = c.judge(ctx, r, p, res)
	res.Took = time.Since(began)
	return res, err
}

// counted adds up metrics that die with their processes: it is asked often, and a
// process that is killed loses what it did since.
type counted struct {
	r     *rig
	total map[string]float64
	last  map[string]map[string]float64 // by process
}

var counters = []string{"parley_worker_redelivered_total", "parley_chat_rescued_total"}

func (k *counted) look() {
	for _, w := range k.r.Workers {
		if !w.Running() || w.Frozen() {
			continue
		}
		m, err := w.Metrics()
		if err != nil {
			continue // it dies at this moment
		}
		last := k.last[w.Name()]
		if last == nil {
			last = map[string]float64{}
			k.last[w.Name()] = last
		}
		for _, name := range counters {
			v := m.Sum(name)
			if v < last[name] {
				last[name] = 0 // another life
			}
			k.total[name] += v - last[name]
			last[name] = v
		}
	}
}

// fire lets people talk while the schedule is carried out.
func (c *Config) fire(ctx context.Context, r *rig, p *people, res *Result) error {
	schedule := c.Schedule
	if schedule == nil {
		schedule = Schedule(c.Seed, c.Faults, Counts{Workers: c.Workers, Gateways: c.Gateways, Registers: 1, NATS: 1, Database: 1, People: 1})
	}
	for i := range schedule {
		if schedule[i].Role == Database && r.db.proxy == nil {
			schedule[i].Kind = Locked // a file cannot be cut off
		}
	}
	talking, hush := context.WithCancel(ctx)
	defer hush()
	began := time.Now()
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		p.talk(talking, c.Rate, rand.New(rand.NewPCG(c.Seed, 0x74616c6b)))
	}()
	k := &counted{r: r, total: map[string]float64{}, last: map[string]map[string]float64{}}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for n := 1; pause(talking, time.Second); n++ {
			k.look()
			if n%5 == 0 {
				s := p.counters()
				c.Say("%s %4.0f s: sent %d, acknowledged %d, shown %d, resumes %d, rescued %.0f", c.Database, time.Since(began).Seconds(), s.Sends, s.Acks, s.Shown, s.Resumes, k.total["parley_chat_rescued_total"])
			}
		}
	}()
	if c.Abrupt && len(schedule) > 0 {
		end := time.AfterFunc(schedule[len(schedule)-1].At+c.Linger, hush)
		defer end.Stop()
	}
	err := r.play(ctx, schedule, func(f Fault) {
		res.Faults[string(f.Role)+": "+string(f.Kind)]++
		c.Say("%s %v", c.Database, f)
	})
	if err == nil {
		pause(ctx, 300*time.Millisecond) // for who dies at a fault point in the end
		err = r.awaitWhole(ctx)
	}
	pause(ctx, c.Linger) // what was mended last works under load, too
	res.Talked = time.Since(began)
	res.AckedPerSecond = float64(p.counters().Acks) / res.Talked.Seconds()
	hush()
	<-quiet
	<-watched
	k.look()
	res.Redelivered, res.Rescued = k.total["parley_worker_redelivered_total"], k.total["parley_chat_rescued_total"]
	return err
}

// settle waits until every send has its answer, every screen is as long as its
// conversation, everybody is known to be there, and the outbox is empty. What has not come
// by then is found missing.
func (c *Config) settle(ctx context.Context, r *rig, p *people, res *Result) error {
	within, cancel := context.WithTimeout(ctx, c.Settle)
	defer cancel()
	for {
		left, waiting := p.waiting(), 0
		behind := 0
		if left == 0 {
			all, err := r.db.truth(within)
			if err == nil {
				waiting, err = r.db.waiting(within)
			}
			if err != nil && within.Err() == nil {
				return err
			}
			behind, res.Left = p.behind(all)+p.astray(), waiting
			if behind == 0 && waiting == 0 && err == nil {
				return nil
			}
		}
		if !pause(within, 500*time.Millisecond) {
			if c.Weakness == "" && !c.NoDedupe {
				res.problem("not settled within %v: %d sends without an answer, %d screens behind or wrong about who is there, %d rows in the outbox", c.Settle, left, behind, waiting)
			}
			return ctx.Err()
		}
	}
}

// behind counts screens that are not as long as their conversations.
func (p *people) behind(all map[string]*screens.Conversation) (n int) {
	for _, one := range p.all {
		user := one.client.User()
		for id, v := range all {
			if _, in := v.Members[user]; !in || !one.sees(id, v) {
				continue
			}
			if s, ok := one.client.Screen(id); !ok || s.Next != v.Seq+1 || s.Rev != v.Rev {
				n++
			}
		}
	}
	return n
}

// astray counts what devices believe of users that is not so: by now everybody is there.
func (p *people) astray() (n int) {
	for _, one := range p.all {
		for _, is := range one.client.Presences() {
			if !is.Online {
				n++
			}
		}
	}
	return n
}

// sees reports whether a conversation has to be on a device's screen: rooms only while
// they are open.
func (one *person) sees(id string, v *screens.Conversation) bool {
	if !v.Public {
		return true
	}
	s, ok := one.client.Screen(id)
	return ok && s.Open
}

// judge compares.
func (c *Config) judge(ctx context.Context, r *rig, p *people, res *Result) error {
	all, err := r.db.truth(ctx)
	if err != nil {
		return err
	}
	rec := &screens.Record{Conversations: all, Online: map[string]bool{}}
	for _, one := range p.all {
		rec.Online[one.client.User()] = true
	}
	var noticed []chatclient.Violation
	for _, one := range p.all {
		log := one.client.Log()
		d := screens.NewDevice(one.name, log)
		for _, s := range log.Sent {
			if s.Refused {
				res.problem("a send of %s was refused: %v (tried %d times)", one.name, s.Code, s.Tries)
			}
		}
		for id, v := range all {
			d.Sees[id] = one.sees(id, v)
		}
		rec.Devices = append(rec.Devices, d)
		noticed = append(noticed, log.Violations...)
	}
	res.Findings = screens.Compare(rec)
	s := p.counters()
	res.Resumes, res.HistoryFetches, res.Duplicates = s.Resumes, s.HistoryFetches, s.DuplicateAcks
	res.DoublePushes, res.Resends, res.Violations = s.Duplicates, s.Resends, s.Violations
	res.Temporary, res.Ended = s.Temporary, s.Sessions-int64(len(p.all))
	for i, v := range noticed {
		if i == 3 {
			break
		}
		res.problem("a client noticed at %.2f s in %s: %s (%d) %s", v.At.Seconds(), v.Conversation, v.Breach, v.Seq, v.What)
	}
	if p.broken != "" {
		res.problem("a race: %s", p.broken)
	}
	if n := p.failed.Load(); n > 0 {
		res.problem("%d calls were refused for good: %s", n, strings.Join(p.refusals, "; "))
	}
	return nil
}
