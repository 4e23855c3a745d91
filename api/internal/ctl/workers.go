package ctl

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// worker is a row of the screen.
type worker struct {
	node   string
	member *pushv1.Member       // nil: no register lists it any more
	counts *pushv1.WorkerCounts // nil: no gateway has it
	state  string
}

// stateAlone is a worker that no gateway that answered has a link with.
const stateAlone = "alone"

// workers are those that are listed, or that a gateway has a link with, by name.
func (l cluster) workers() (list []worker) {
	seen := map[string]bool{}
	for _, m := range l.members.GetMembers() {
		if m.GetRole() != "worker" {
			continue
		}
		w := worker{node: m.GetNode(), member: m, counts: l.counts.GetWorkers()[m.GetNode()], state: stateUp}
		switch {
		case w.counts == nil:
			w.state = stateAlone
		case w.counts.GetDraining():
			w.state = stateDraining
		}
		seen[w.node] = true
		list = append(list, w)
	}
	for node, counts := range l.counts.GetWorkers() {
		if !seen[node] {
			list = append(list, worker{node: node, counts: counts, state: stateDraining})
		}
	}
	slices.SortStableFunc(list, func(a, b worker) int { return cmp.Compare(a.node, b.node) })
	return list
}

// drawWorkers writes the table in which it is seen whether each has its share.
func (c *Ctl) drawWorkers(w io.Writer, list []worker) error {
	if len(list) == 0 {
		return nil
	}
	total, up := 0, 0
	for _, one := range list {
		if one.state == stateUp {
			total, up = total+int(one.counts.GetConns()), up+1
		}
	}
	rows := make([][]string, len(list))
	for i, one := range list {
		row := []string{shown(one.node), shown(one.member.GetAddr()), shown(one.member.GetBuild()), c.age(one.member.GetStartedAt()), one.state, none, none, ""}
		if one.member != nil {
			row[5] = count(one.member.GetLoad())
		}
		if one.counts != nil {
			row[6] = count(one.counts.GetConns())
		}
		if one.state == stateUp && total > 0 {
			row[7] = bar(float64(one.counts.GetConns())*float64(up)/float64(total), c.halfBar())
		}
		rows[i] = row
	}
	fmt.Fprintln(w)
	return newTable(c.Width,
		column{title: "WORKER"}, column{title: "ADDRESS", least: 9}, column{title: "BUILD", least: 5}, column{title: "UP", right: true},
		column{title: "STATE"}, column{title: "BUSY", right: true}, column{title: "CONNS", right: true}, column{title: "OF THE MEAN"},
	).write(w, rows)
}
