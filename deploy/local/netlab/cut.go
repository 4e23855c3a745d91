package netlab

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Way is which packets are dropped, seen from the node.
type Way int

// The ways of a cut.
const (
	Both Way = iota // nothing passes
	In              // what comes to the node: it speaks, and hears nothing
	Out             // what the node sends: it hears, and nobody hears it
)

func (w Way) String() string { return [...]string{"both ways", "inwards", "outwards"}[w] }

// Cut drops packets between the node and the given TCP ports of the host; none
// given: all. An earlier cut of this node is replaced. Connections stay open.
func (n *Node) Cut(ctx context.Context, way Way, ports ...int) error {
	from, to := "", ""
	if len(ports) > 0 {
		list := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(ports)), ", "), "[]")
		from, to = fmt.Sprintf("tcp sport { %s } ", list), fmt.Sprintf("tcp dport { %s } ", list)
	}
	var rules strings.Builder
	// Declared first, so that deleting it works whether there was one or not.
	rules.WriteString("table inet parley\ndelete table inet parley\ntable inet parley {\n")
	if way != Out {
		fmt.Fprintf(&rules, "chain in { type filter hook input priority 0; ip saddr %s %sdrop; }\n", n.lab.Host(), from)
	}
	if way != In {
		fmt.Fprintf(&rules, "chain out { type filter hook output priority 0; ip daddr %s %sdrop; }\n", n.lab.Host(), to)
	}
	rules.WriteString("}\n")
	return n.nft(ctx, rules.String())
}

// CutOff drops every packet between the node and all others: its cable is pulled. An
// earlier cut of this node is replaced. Connections stay open.
func (n *Node) CutOff(ctx context.Context) error {
	return n.nft(ctx, `table inet parley
delete table inet parley
table inet parley {
	chain in { type filter hook input priority 0; iifname "eth0" drop; }
	chain out { type filter hook output priority 0; oifname "eth0" drop; }
}
`)
}

// Heal lets everything pass again.
func (n *Node) Heal(ctx context.Context) error {
	return n.nft(ctx, "table inet parley\ndelete table inet parley\n")
}

// nft applies a ruleset as a whole or not at all.
func (n *Node) nft(ctx context.Context, rules string) error {
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", n.Netns, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	_, err := run(cmd)
	return err
}
