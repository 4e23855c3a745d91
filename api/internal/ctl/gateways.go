package ctl

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// The states of a gateway on the screen.
const (
	stateUp       = "up"
	stateSilent   = "silent"   // it is listed, and does not answer
	stateDraining = "draining" // it has left the directory, and answers
	stateLeaving  = "leaving"  // it has left the directory, and does not answer
)

// gateway is a row of the screen.
type gateway struct {
	node   string
	member *pushv1.Member // nil: no register lists it any more
	counts *pushv1.Counts // nil: it did not answer
	state  string
}

// gateways are those that are listed, that answered, or that should have, by name.
func (l cluster) gateways() (list []gateway) {
	seen := map[string]bool{}
	silent := func(node string) bool { return slices.Contains(l.counts.GetLost(), node) }
	for _, m := range l.members.GetMembers() {
		if m.GetRole() != "gateway" {
			continue
		}
		g := gateway{node: m.GetNode(), member: m, counts: l.counts.GetGateways()[m.GetNode()], state: stateUp}
		if g.counts == nil {
			g.state = stateSilent
		}
		seen[g.node] = true
		list = append(list, g)
	}
	for node, counts := range l.counts.GetGateways() {
		if !seen[node] {
			seen[node] = true
			list = append(list, gateway{node: node, counts: counts, state: stateDraining})
		}
	}
	for _, node := range l.counts.GetLost() {
		if !seen[node] && silent(node) {
			seen[node] = true
			list = append(list, gateway{node: node, state: stateLeaving})
		}
	}
	slices.SortStableFunc(list, func(a, b gateway) int { return cmp.Compare(a.node, b.node) })
	return list
}

// noGateway is about a name that no gateway bears.
func noGateway(node string) error {
	return WrongUsage("there is no gateway %s: parleyctl members lists them", shown(node))
}

// serving are the gateways that take clients, and mean is what each would have of their
// conns if all had the same.
func serving(list []gateway) (up []gateway, mean float64) {
	total := 0.0
	for _, g := range list {
		if g.state == stateUp {
			up = append(up, g)
			total += float64(g.counts.GetConns())
		}
	}
	if len(up) == 0 {
		return nil, 0
	}
	return up, total / float64(len(up))
}

// bar shows what a gateway has of the mean: the mark stands at the mean, half of the bar
// on either side.
func bar(part float64, half int) string {
	n := int(math.Round(min(part, 2) * float64(half)))
	line := []byte(strings.Repeat("#", n) + strings.Repeat(" ", 2*half-n))
	if part > 2 {
		line[2*half-1] = '>'
	}
	return fmt.Sprintf("%s|%s %4.0f%%", line[:half], line[half:], part*100)
}

// halfBar is half the length of a bar, in columns.
func (c *Ctl) halfBar() int {
	if c.Width > 0 && c.Width < 100 {
		return 5
	}
	return 10
}

// drawGateways writes the table in which an imbalance is seen.
func (c *Ctl) drawGateways(w io.Writer, list []gateway) error {
	if len(list) == 0 {
		return nil
	}
	_, mean := serving(list)
	rows := make([][]string, len(list))
	for i, g := range list {
		row := []string{shown(g.node), shown(g.member.GetAddr()), shown(g.member.GetBuild()), c.age(g.member.GetStartedAt()), g.state, none, none, none, ""}
		if g.counts != nil {
			copy(row[5:], []string{count(g.counts.GetGroups()), count(g.counts.GetUsers()), count(g.counts.GetConns())})
		}
		if g.state == stateUp && mean > 0 {
			row[8] = bar(float64(g.counts.GetConns())/mean, c.halfBar())
		}
		rows[i] = row
	}
	fmt.Fprintln(w)
	return newTable(c.Width,
		column{title: "GATEWAY"}, column{title: "ADDRESS", least: 9}, column{title: "BUILD", least: 5}, column{title: "UP", right: true},
		column{title: "STATE"}, column{title: "GROUPS", right: true}, column{title: "USERS", right: true}, column{title: "CONNS", right: true},
		column{title: "OF THE MEAN"},
	).write(w, rows)
}

// When a cluster is said to be uneven: chance alone spreads few conns unevenly.
const (
	unevenPart  = 1.2
	unevenConns = 20 // of a gateway, in the mean
)

// uneven says what could be done about the fullest gateway, if it has much more than
// its share.
func uneven(list []gateway) string {
	up, mean := serving(list)
	if len(up) < 2 || mean < unevenConns {
		return ""
	}
	fullest := slices.MaxFunc(up, func(a, b gateway) int { return cmp.Compare(a.counts.GetConns(), b.counts.GetConns()) })
	has := float64(fullest.counts.GetConns())
	if has < unevenPart*mean {
		return ""
	}
	return fmt.Sprintf("%s has %.0f%% of the mean: parleyctl shed %s %.0f%% would level it.", shown(fullest.node), has/mean*100, shown(fullest.node), max(1, math.Floor((has-mean)/has*100)))
}
