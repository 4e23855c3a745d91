package ctl

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// spread is how many conns each gateway has, by node.
type spread map[string]int

func spreadOf(counts *pushv1.GetTotalsResponse) spread {
	s := spread{}
	for node, n := range counts.GetGateways() {
		s[node] = int(n.GetConns())
	}
	return s
}

func (s spread) total() (n int) {
	for _, conns := range s {
		n += conns
	}
	return n
}

// progress shows how conns go from one gateway to others: on a terminal in one line that
// changes, elsewhere in a line whenever something is different.
type progress struct {
	w        io.Writer
	terminal bool
	said     string
}

func (p *progress) show(text string) {
	if text == p.said {
		return
	}
	p.said = text
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s\x1b[K", text)
	} else {
		fmt.Fprintln(p.w, text)
	}
}

// end leaves the line that changes.
func (p *progress) end() {
	if p.terminal && p.said != "" {
		fmt.Fprintln(p.w)
	}
	p.said = ""
}

// moves says where the conns of a gateway went since before.
func moves(from string, before, after spread) string {
	said := []string{fmt.Sprintf("%s %s → %s", shown(from), count(before[from]), count(after[from]))}
	for _, node := range slices.Sorted(maps.Keys(after)) {
		if d := after[node] - before[node]; node != from && d != 0 {
			said = append(said, fmt.Sprintf("%s %+d", shown(node), d))
		}
	}
	return strings.Join(said, ", ")
}

// compareTable writes what each gateway had and has.
func (c *Ctl) compareTable(before, after spread) error {
	all := maps.Clone(before)
	maps.Copy(all, after)
	cell := func(s spread, node string) string {
		if n, there := s[node]; there {
			return count(n)
		}
		return none
	}
	var rows [][]string
	for _, node := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, []string{shown(node), cell(before, node), cell(after, node), change(after[node] - before[node])})
	}
	rows = append(rows, []string{"all", count(before.total()), count(after.total()), change(after.total() - before.total())})
	t := newTable(c.Width, column{title: "GATEWAY"}, column{title: "BEFORE", right: true}, column{title: "NOW", right: true}, column{title: "", right: true})
	return t.write(c.Out, rows)
}

func change(d int) string {
	if d > 0 {
		return "+" + count(d)
	}
	return count(d)
}

// pause waits for the next look.
func (c *Ctl) pause(ctx context.Context) error {
	select {
	case <-time.After(c.period()):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
