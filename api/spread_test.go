package api

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-im/parley/register"
)

// model is gateways, clients and an api, on a clock of its own.
type model struct {
	spread   *spread
	rand     *rand.Rand
	now      time.Duration
	conns    []int // of each gateway
	told     []int // what each last said
	left     []bool
	arrived  []int
	arrivals []arrival
}

type arrival struct {
	at   time.Duration
	from int // the gateway that sent it away; -1: none did
}

func newModel(conns ...int) *model {
	m := &model{rand: rand.New(rand.NewPCG(1, 2)), now: time.Minute, conns: conns, left: make([]bool, len(conns)), arrived: make([]int, len(conns))}
	m.told = append(m.told, conns...)
	m.spread = newSpread()
	m.spread.rand, m.spread.now = m.rand.ExpFloat64, func() time.Duration { return m.now }
	return m
}

// sendAway lets gateway g send n conns away over a window, each with a delay of its own, as
// gateways do.
func (m *model) sendAway(g, n int, window time.Duration) {
	for i := range n {
		closed := window * time.Duration(i) / time.Duration(n)
		delay := time.Duration(m.rand.Int64N(int64(window)))
		m.arrivals = append(m.arrivals, arrival{closed + delay + time.Duration(m.rand.Int64N(int64(delay)/4+1)), g})
		m.conns[g]--
	}
}

// run lets everybody come. Each gateway tells its load once a second, and it is a tenth of a
// second on its way.
func (m *model) run() {
	const step = 10 * time.Millisecond
	due := map[int][]arrival{}
	last := 0
	for _, a := range m.arrivals {
		i := int(a.at / step)
		due[i], last = append(due[i], a), max(last, i)
	}
	said := make([]int, len(m.conns))
	for i := range last + 1 {
		for g := range m.conns {
			if (i+37*g)%100 == 0 {
				said[g] = m.conns[g]
			}
			if (i+37*g)%100 == 10 {
				m.told[g] = said[g]
			}
		}
		for _, a := range due[i] {
			g := m.choose(a.from)
			m.conns[g]++
			m.arrived[g]++
		}
		m.now += step
	}
}

// choose is what a client does: the first that it did not come from.
func (m *model) choose(from int) int {
	var members []register.Member
	for g, n := range m.told {
		if !m.left[g] {
			members = append(members, register.Member{Boot: uint64(g) + 1, PublicURL: fmt.Sprintf("ws://gw:%d/", g+1), Load: uint32(n)})
		}
	}
	for _, e := range m.spread.order(members, "") {
		var g int
		if _, err := fmt.Sscanf(e.URL, "ws://gw:%d/", &g); err != nil {
			panic(err)
		}
		if g-1 != from {
			return g - 1
		}
	}
	return from
}

// sigmas is the deviation that four in a hundred thousand draws exceed, if n are dealt to
// parts of p each.
func sigmas(n int, p float64) int { return int(math.Ceil(4 * math.Sqrt(float64(n)*p*(1-p)))) }

func (m *model) want(t *testing.T, what string, got []int, each, tolerance int) {
	t.Helper()
	for g, n := range got {
		if n < each-tolerance || n > each+tolerance {
			t.Errorf("%s, gateway %d: %d, want %d ± %d; all: %v, arrived: %v", what, g, n, each, tolerance, m.conns, m.arrived)
		}
	}
}

// Three gateways are added to three that have a thousand conns each, and each of those sheds
// half: all have the same afterwards.
func TestWhatIsShedLandsOnTheNew(t *testing.T) {
	m := newModel(1000, 1000, 1000, 0, 0, 0)
	for g := range 3 {
		m.sendAway(g, 500, 10*time.Second)
	}
	m.run()
	m.want(t, "shed", m.conns, 500, sigmas(1500, 1./3))
	if back := m.arrived[0] + m.arrived[1] + m.arrived[2]; back > 150 {
		t.Errorf("%d of 1500 came to gateways that shed", back)
	}
}

// One that sheds although it has least sends its clients to others all the same.
func TestNobodyIsSentBackToWhereHeCameFrom(t *testing.T) {
	m := newModel(400, 1000, 1000)
	m.sendAway(0, 200, 5*time.Second)
	m.run()
	if m.arrived[0] != 0 {
		t.Errorf("%d came back", m.arrived[0])
	}
}

func TestClientsOfAGatewayThatLeavesAreSpreadEvenly(t *testing.T) {
	m := newModel(1200, 1200, 1200, 1200)
	m.left[0] = true
	m.sendAway(0, 1200, 10*time.Second)
	m.run()
	m.want(t, "drain", m.conns[1:], 1600, sigmas(1200, 1./3))
}

// Twenty thousand come within a second, while nobody tells a load.
func TestStormIsSpreadEvenly(t *testing.T) {
	m := newModel(0, 0, 0, 0)
	for range 20_000 {
		m.arrivals = append(m.arrivals, arrival{time.Duration(m.rand.Int64N(int64(time.Second))), -1})
	}
	m.run()
	m.want(t, "storm", m.conns, 5000, sigmas(20_000, 0.25))
}

// Four thousand come within a second while one gateway is empty: it gets its share and no
// herd.
func TestEmptyGatewayGetsItsShareAndNoHerd(t *testing.T) {
	m := newModel(3000, 3000, 3000, 0)
	for range 4000 {
		m.arrivals = append(m.arrivals, arrival{time.Duration(m.rand.Int64N(int64(time.Second))), -1})
	}
	m.run()
	mean := (9000 + 4000) / 4
	if most := int(mostConns(13_000, 4)) + sigmas(4000, 0.25); m.conns[3] < mean*9/10 || m.conns[3] > most {
		t.Errorf("it has %d, want %d to %d; all: %v", m.conns[3], mean*9/10, most, m.conns)
	}
}

// Gateways behind one balancer get as many as there are of them.
func TestBalancerGetsTheShareOfAllBehindIt(t *testing.T) {
	s := newSpread()
	s.rand = rand.New(rand.NewPCG(3, 4)).ExpFloat64
	s.now = func() time.Duration { return time.Minute }
	members := []register.Member{{Boot: 1, PublicURL: "ws://one/", Load: 10}, {Boot: 2, PublicURL: "ws://lb/", Load: 10}, {Boot: 3, PublicURL: "ws://lb/", Load: 12}, {Boot: 4}}
	first := map[string]int{}
	const n = 3000
	for range n {
		list := s.order(members, "")
		if len(list) != 2 {
			t.Fatalf("told %v", list)
		}
		first[list[0].URL]++
	}
	if got, tolerance := first["ws://lb/"], sigmas(n, 1./3); got < 2*n/3-tolerance || got > 2*n/3+tolerance {
		t.Errorf("%d of %d went there, want %d ± %d", got, n, 2*n/3, tolerance)
	}
}

// Who was sent counts until the gateway has told of him, and for two seconds at most.
func TestWhoWasSentCountsUntilHeIsTold(t *testing.T) {
	at := time.Minute
	s := newSpread()
	s.now = func() time.Duration { return at }
	members := []register.Member{{Boot: 1, PublicURL: "ws://one/", Load: 5}}
	sent := func() int { return s.sent[1].count(int(members[0].Load), int64(at/tallyTick)) }
	for range 50 {
		s.order(members, "")
	}
	at += time.Second
	for range 7 {
		s.order(members, "")
	}
	if got := sent(); got != 57 {
		t.Errorf("nothing is told: %d count, want 57", got)
	}
	members[0].Load = 55
	if got := sent(); got != 7 {
		t.Errorf("when the first are told: %d count, want 7 who are on their way", got)
	}
	at += 2 * time.Second
	if got := sent(); got != 0 {
		t.Errorf("two seconds later: %d count", got)
	}
}

func TestNoGateways(t *testing.T) {
	if list := newSpread().order([]register.Member{{Boot: 1}}, "host"); list == nil || len(list) != 0 {
		t.Errorf("got %v", list)
	}
}
