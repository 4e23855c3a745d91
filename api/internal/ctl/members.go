package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// cluster is what the status screen is drawn from.
type cluster struct {
	members *pushv1.ListMembersResponse
	counts  *pushv1.GetTotalsResponse
}

// look asks for the members and for what gateways hold.
func (c *Ctl) look(ctx context.Context) (cluster, error) {
	l := cluster{&pushv1.ListMembersResponse{}, &pushv1.GetTotalsResponse{}}
	if err := c.Door.call(ctx, "listMembers", &pushv1.ListMembersRequest{}, l.members); err != nil {
		return l, err
	}
	return l, c.Door.call(ctx, "getTotals", &pushv1.GetTotalsRequest{}, l.counts)
}

// Members is the status screen: every process, and how the conns are spread.
func (c *Ctl) Members(ctx context.Context) error {
	l, err := c.look(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.emitCluster(l)
	}
	if err := c.draw(c.Out, l); err != nil {
		return err
	}
	return lost(l.counts.GetLost())
}

// Watch draws the screen anew every so often, until ctx ends. An api that is away for a
// while is said in its place.
func (c *Ctl) Watch(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		l, err := c.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && ExitCode(err) == ExitUsage {
			return err
		}
		var b bytes.Buffer
		switch {
		case err != nil:
			b.WriteString(Explain(err) + "\n")
		case c.JSON:
			err = c.emitCluster(l)
		default:
			fmt.Fprintf(&b, "%s, every %v\n\n", c.clock().Format(time.TimeOnly), every)
			err = c.draw(&b, l)
		}
		if err == nil || b.Len() > 0 {
			err = c.refresh(b.Bytes())
		}
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// refresh puts a screen into the place of the one before. What is no terminal gets one
// below the other.
func (c *Ctl) refresh(screen []byte) error {
	if c.Width > 0 {
		const home, restOfLine, restOfScreen = "\x1b[H", "\x1b[K\n", "\x1b[J"
		screen = []byte(home + strings.ReplaceAll(string(screen), "\n", restOfLine) + restOfScreen)
	} else if len(screen) > 0 {
		screen = append(screen, '\n')
	}
	_, err := c.Out.Write(screen)
	return err
}

func (c *Ctl) emitCluster(l cluster) error {
	members, err := jsonOf(l.members)
	if err != nil {
		return err
	}
	counts, err := jsonOf(l.counts)
	if err != nil {
		return err
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(members, &whole); err != nil {
		return err
	}
	whole["counts"] = counts
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	if err := c.emitLine(text); err != nil {
		return err
	}
	return lost(l.counts.GetLost())
}

// draw writes the screen: a line of sums, then a table for each role.
func (c *Ctl) draw(w io.Writer, l cluster) error {
	gateways := l.gateways()
	of := func(role string) (list []*pushv1.Member) {
		for _, m := range l.members.GetMembers() {
			if m.GetRole() == role {
				list = append(list, m)
			}
		}
		return list
	}
	workers, apis := l.workers(), of("api")
	fmt.Fprintf(w, "%s, %s, %s, %s; %s\n", plural(len(gateways), "gateway"), plural(len(workers), "worker"), plural(len(apis), "api"),
		plural(len(l.members.GetRegisters()), "register"), plural(l.counts.GetTotal().GetConns(), "conn"))
	parts := []func() error{
		func() error { return c.drawGateways(w, gateways) },
		func() error { return c.drawWorkers(w, workers) },
		func() error { return c.drawMembers(w, "API", "", apis) },
		func() error { return c.drawRegisters(w, l.members.GetRegisters()) },
	}
	for _, role := range l.otherRoles() {
		parts = append(parts, func() error { return c.drawMembers(w, strings.ToUpper(shown(role)), "LOAD", of(role)) })
	}
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
	}
	if hint := uneven(gateways); hint != "" {
		fmt.Fprintf(w, "\n%s\n", hint)
	}
	return nil
}

// otherRoles are those of programs that are none of ours.
func (l cluster) otherRoles() []string {
	roles := map[string]bool{}
	for _, m := range l.members.GetMembers() {
		roles[m.GetRole()] = true
	}
	for _, known := range []string{"gateway", "worker", "api"} {
		delete(roles, known)
	}
	return slices.Sorted(maps.Keys(roles))
}

// drawMembers writes those of one role; of none, nothing.
func (c *Ctl) drawMembers(w io.Writer, role, load string, members []*pushv1.Member) error {
	if len(members) == 0 {
		return nil
	}
	head := []column{{title: role}, {title: "ADDRESS", least: 12}, {title: "BUILD", least: 7}, {title: "UP", right: true}}
	if load != "" {
		head = append(head, column{title: load, right: true})
	}
	rows := make([][]string, len(members))
	for i, m := range members {
		rows[i] = []string{shown(m.GetNode()), shown(m.GetAddr()), shown(m.GetBuild()), c.age(m.GetStartedAt())}
		if load != "" {
			rows[i] = append(rows[i], count(m.GetLoad()))
		}
	}
	fmt.Fprintln(w)
	return newTable(c.Width, head...).write(w, rows)
}

func (c *Ctl) drawRegisters(w io.Writer, registers []*pushv1.Register) error {
	rows := make([][]string, len(registers))
	for i, r := range registers {
		state := "up"
		if !r.GetUp() {
			state = "away"
		}
		rows[i] = []string{shown(r.GetAddr()), state}
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return newTable(c.Width, column{title: "REGISTER"}, column{title: "STATE"}).write(w, rows)
}

// age is how long ago something began.
func (c *Ctl) age(began *timestamppb.Timestamp) string {
	if began == nil {
		return none
	}
	return lasted(max(0, c.clock().Sub(began.AsTime())))
}
