package traffic

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/local/runfile"
)

// kills knows which process died when, by our hand or another's, and which sockets ended
// with a gateway that did.
type kills struct {
	start time.Time

	mu    sync.Mutex                 // guards what follows; a leaf, below the clients'
	died  map[string][]time.Duration // by the URL of a gateway
	n     map[string]int             // by role; our own
	lost  []chatclient.ConnRecord    // that ended while bots talked
	lives map[string]int             // of each gateway, as far as its deaths are noted
}

func newKills(start time.Time) *kills {
	return &kills{start: start, died: map[string][]time.Duration{}, n: map[string]int{}, lives: map[string]int{}}
}

// sockets is what became of conns.
type sockets struct {
	dropped int // although their gateway lived
	killed  int // with their gateway
}

// ended is called by clients for each conn that ends.
func (k *kills) ended(conn chatclient.ConnRecord) {
	if conn.Opened == 0 {
		return // it never was one
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lost = append(k.lost, conn)
}

// sockets tells apart which conns ended with their gateway: those that were opened before
// it died and ended after.
func (k *kills) sockets() (s sockets) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, conn := range k.lost {
		with := false
		for _, at := range k.died[conn.Gateway] {
			with = with || conn.Dialled <= at && at <= conn.Ended
		}
		if with {
			s.killed++
		} else {
			s.dropped++
		}
	}
	return s
}

// watchEvery is how often it is looked for deaths.
const watchEvery = 100 * time.Millisecond

// watch notes gateways that die by another hand until ctx ends. When is not known better
// than that it was after the last look.
func (k *kills) watch(ctx context.Context, data string) {
	for last := time.Since(k.start); ; {
		now := time.Since(k.start)
		if run, err := runfile.Read(data); err == nil {
			k.look(run, last)
		}
		last = now
		if !pause(ctx, watchEvery) {
			return
		}
	}
}

func (k *kills) look(run runfile.Run, since time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range run.Role("gateway") {
		if lives, known := k.lives[p.Name]; known && p.Lives > lives {
			k.died[p.URL] = append(k.died[p.URL], since)
		}
		k.lives[p.Name] = max(k.lives[p.Name], p.Lives)
	}
}

// The pace of the kills: DefaultFor long, one every so often, as soon as what is to be
// killed is ready.
const (
	DefaultFor   = 10 * time.Second
	strikeEvery  = 800 * time.Millisecond
	readyWithin  = 5 * time.Second
	askEvery     = 50 * time.Millisecond
	askReadyTime = time.Second
)

// strike kills workers and gateways in turn, again and again.
func (k *kills) strike(ctx context.Context, data string, long time.Duration, p *printer) error {
	if long == 0 {
		long = DefaultFor
	}
	end := time.Now().Add(long)
	turns := map[string]int{}
	for n := 0; time.Now().Before(end) && ctx.Err() == nil; n++ {
		role := "worker"
		if n%3 == 2 {
			role = "gateway"
		}
		run, err := runfile.Read(data)
		if err != nil {
			return err
		}
		list := run.Role(role)
		if len(list) == 0 {
			return fmt.Errorf("this run has no %s to kill", role)
		}
		name := list[turns[role]%len(list)].Name
		turns[role]++
		if err := k.kill(ctx, data, name, p); err != nil {
			return err
		}
		pause(ctx, strikeEvery)
	}
	return nil
}

// kill waits until a process is ready and kills it. One that does not become ready is left
// alone.
func (k *kills) kill(ctx context.Context, data, name string, p *printer) error {
	until := time.Now().Add(readyWithin)
	for time.Now().Before(until) && ctx.Err() == nil {
		run, err := runfile.Read(data) // the newest: its pid is nobody else's
		if err != nil {
			return err
		}
		for _, one := range run.Processes {
			if one.Name != name || one.PID == 0 || !ready(ctx, one.Ops) {
				continue
			}
			k.mu.Lock()
			k.n[one.Role]++
			if one.URL != "" {
				k.died[one.URL] = append(k.died[one.URL], time.Since(k.start))
				k.lives[name] = one.Lives + 1
			}
			k.mu.Unlock()
			if err := syscall.Kill(one.PID, syscall.SIGKILL); err != nil {
				return fmt.Errorf("kill %s: %w", name, err)
			}
			p.say("kill -9 %s", name)
			return nil
		}
		pause(ctx, askEvery)
	}
	return nil
}

// asking has a connection for each question, so that nothing is left open to the killed.
var asking = &http.Client{Timeout: askReadyTime, Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}

func ready(ctx context.Context, ops string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ops+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	res, err := asking.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
