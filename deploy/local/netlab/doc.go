// Package netlab puts processes into network namespaces of their own, so that
// packets between two roles can be dropped: really dropped, by the kernel, with
// both ends alive, their sockets open and nobody told.
//
//	lab, err := netlab.New(ctx)        // ErrUnavailable: not Linux, not root, no ip or nft
//	defer lab.Close()
//	node, err := lab.Add(ctx, "worker-1")
//	… proc.Spec{Netns: node.Netns} dials lab.Host(), where gateways listen
//	err = node.Cut(ctx, netlab.Both, 2900)
//	err = node.Heal(ctx)
//
// Nodes reach each other too. A whole node is taken off the net by CutOff; Name lets
// processes find hosts by name, and Node.Dial dials as one of its processes would.
//
// The host has one end of every cable, on a bridge. Nothing of the host's own
// network is changed, and everything goes away with Close; what a killed run has
// left behind goes away with the next New.
package netlab
