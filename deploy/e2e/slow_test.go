package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/register/registertest"
)

// Who is on the gateway. The stalled ones read nothing: most get what everybody of
// their group gets, some get frames of their own, which nobody else holds.
const (
	goodConns    = 200
	stalledConns = 1000
	hoarders     = 20 // of the stalled: half are filled beside the good, half later
	crews        = 14 // groups of the others, so that what is sent comes evenly

	goodEvery   = 200 * time.Millisecond // each good conn asks
	crewBytes   = 32 << 10               // of one frame to a crew
	framesEvery = 12 * time.Millisecond  // to a crew, each in its turn

	hoardBytes     = 192 << 10 // of one frame to a hoarder
	hoardersAtOnce = 4         // get one with each frame to a crew
	fills          = 3         // frames that fill a hoarder's queue, and one more
	hoardFrames    = 80        // to each of the hoarders kept for later: 150 MiB together

	// Small, so that it is full in time, and long, so that who is closed for a full
	// queue can still be told after the measurement.
	queueBytes   = 256 << 10
	writeTimeout = 20 * time.Second

	quietFor, loadedFor = 1500 * time.Millisecond, 2500 * time.Millisecond
)

// What is allowed.
const (
	attempts   = 5
	mostTimes  = 2.0                  // the p99 under load, in those of the quiet
	noticeable = 5 * time.Millisecond // a p99 below it is of the machine's wake-ups, and counts as this
	maxGrowth  = 128 << 20            // of the gateway's RSS: 30 MiB are usual, 85 with TLS, without a bound it is 365
)

// TestStalledAndFloodingConnsHurtNobodyElse lets 1,000 sockets read nothing and one
// flood the gateway beside 200 that behave, and compares what those wait for their
// answers before and meanwhile.
func TestStalledAndFloodingConnsHurtNobodyElse(t *testing.T) {
	if race || testing.Short() {
		t.Skip("how long clients wait is measured without -race and -short")
	}
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "TLS"}[secure], func(t *testing.T) {
			g := newGarrison(t, secure)
			g.fill(t)
			for i := range attempts {
				g.siege(t)
				times, bare := g.verdict()
				t.Logf("after %d of at most %d attempts: %.2f times, %.2f if the quiet did not count as at least %v", i+1, attempts, times, bare, noticeable)
				if times < mostTimes {
					return
				}
			}
			times, _ := g.verdict()
			t.Errorf("the p99 of the good conns was %.2f times that of the quiet, want less than %g times", times, mostTimes)
		})
	}
}

// verdict compares the best p99 under load with the middle one of all quiets, so that
// a burst of something else on the machine decides neither way. bare is the same
// without noticeable: what the machine makes of it, for whoever reads the log.
func (g *garrison) verdict() (times, bare float64) {
	slices.Sort(g.quiet)
	calm := g.quiet[(len(g.quiet)-1)/2]
	best := float64(slices.Min(g.loaded))
	return best / float64(max(calm, noticeable)), best / float64(calm)
}

// garrison is a stage of one gateway, and its good conns.
type garrison struct {
	*staged
	url     string
	dialled client.Options
	good    []*client.Conn
	gateway *proc.Process

	quiet, loaded []time.Duration // p99s of all attempts
}

func newGarrison(t *testing.T, secure bool) *garrison {
	t.Helper()
	g := &garrison{}
	var flags []string
	if secure {
		authority := registertest.NewAuthority(t)
		cert, key := authority.Issue(t, "gateway")
		flags = []string{"--client-tls-cert", cert, "--client-tls-key", key}
		g.dialled.TLS = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: authority.Pool(), ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	}
	c := cast{gateways: 1, workers: 1, patience: 5 * time.Second}
	c.withDefaults()
	g.staged = processes(t, c, func(cfg *local.Config) {
		cfg.GatewayArgs = append(append(cfg.GatewayArgs, "--queue-bytes", fmt.Sprint(queueBytes), "--write-timeout", writeTimeout.String()), flags...)
	})
	begin(t, g)
	g.gateway = g.Cluster.Gateways[0]
	g.url = g.URL(0)
	if secure {
		g.url = "wss" + strings.TrimPrefix(g.url, "ws")
	}
	return g
}

// dial opens n conns of one tag each, or of the same.
func (g *garrison) dial(t *testing.T, n int, tag func(int) string, o client.Options) []*client.Conn {
	t.Helper()
	conns, errs := make([]*client.Conn, n), make([]error, n)
	places := make(chan struct{}, 32) // handshakes at once
	var all sync.WaitGroup
	ctx := within(t, everything)
	for i := range n {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			conns[i], errs[i] = client.Dial(ctx, g.url+"?tag="+tag(i), o)
		})
	}
	all.Wait()
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				c.Cut()
			}
		}
	})
	must(t, errors.Join(errs...))
	return conns
}

func goodTag(i int) string { return fmt.Sprint("good", i) }

func (g *garrison) fill(t *testing.T) {
	t.Helper()
	o := g.dialled
	o.ReadBuffer = 512
	g.good = g.dial(t, goodConns, goodTag, o)
}

// siege measures the good conns in quiet, with stalled and flooding ones beside them,
// and in quiet again.
func (g *garrison) siege(t *testing.T) {
	t.Helper()
	quiet := g.waits(t, quietFor)

	narrow := g.dialled
	narrow.ReadBuffer = 512
	narrow.Dial = (&net.Dialer{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
	}}).DialContext
	stalled := g.dial(t, stalledConns, func(i int) string {
		if i < hoarders {
			return fmt.Sprint("hoarder", i)
		}
		return fmt.Sprint("stalled", i%crews)
	}, narrow)
	flooding := g.dial(t, 1, func(int) string { return "flood" }, g.dialled)[0]
	before := g.look(t)

	ctx, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	g.stall(ctx, t)
	all.Go(func() { g.sendToStalled(ctx, t) })
	all.Go(func() { flood(flooding) })
	var highest int64
	all.Go(func() { highest = g.watch(ctx, t) })
	loaded := g.waits(t, loadedFor)
	flooded := g.look(t).in - before.in - float64(loaded.n)
	// Not while clients wait: what it costs to make and carry this much is no matter of
	// the conns that do not read it.
	g.hoard(ctx, t)
	eventually(t, func() bool { return g.look(t).slow-before.slow >= stalledConns },
		func() string { return fmt.Sprintf("%g stalled conns were closed", g.look(t).slow-before.slow) })
	end()
	flooding.Cut()
	all.Wait()

	after := g.look(t)
	told := goodbyes(stalled)
	await(t, g.Gateways()[0], "parley_gateway_queued_bytes", 0)
	await(t, g.Gateways()[0], "parley_gateway_conns", goodConns)
	again := g.waits(t, quietFor)

	g.quiet, g.loaded = append(g.quiet, quiet.p99, again.p99), append(g.loaded, loaded.p99)
	t.Logf("good conns: p50 %v p99 %v in the quiet before; %v %v beside %d stalled and a flood of %.0f frames/s; %v %v in the quiet after",
		quiet.p50, quiet.p99, loaded.p50, loaded.p99, stalledConns, flooded/loadedFor.Seconds(),
		again.p50, again.p99)
	t.Logf("gateway: RSS %d MiB before, at most %d MiB; %g conns closed as too slow, %d of them were told 4001",
		before.rss>>20, highest>>20, after.slow-before.slow, told)
	if growth := highest - before.rss; growth > maxGrowth {
		t.Errorf("the gateway grew by %d MiB", growth>>20)
	}
	if told < stalledConns*9/10 {
		t.Errorf("only %d of %d stalled conns that began to read again were told 4001", told, stalledConns)
	}
}
