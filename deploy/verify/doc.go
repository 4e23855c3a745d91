// Package verify proves the promises of a cluster by breaking it: real processes
// are killed, frozen, cut off by dropped packets and restarted under load, while
// clients number what they send and write down what they get. At the end it
// counts what was lost, doubled, swapped or left unanswered.
//
// A run has phases, each with a cluster of its own:
//
//	faults    a seeded schedule of faults on the workers, replies counted
//	rolling   all workers restarted by SIGTERM, one after the other
//	messages  conn to conn over two gateways, with faults
//	drain     a gateway sends its clients away over a window, and they go on elsewhere
//	shed      three gateways are added at once to three, and each of those sheds half
//	binds     a send that begins when a bind was answered must arrive
//	points    processes that stop or die at the moments random faults rarely meet
//	sabotage  builds that leave one guarantee out: each must be caught
//	chat      people who chat, on each database, while everything breaks
//	chat-outages   the database and NATS are away for long; sockets stay. Then a
//	               worker is frozen while it holds locks; the others go on
//	chat-sabotage  the same for the guarantees of the chat
//
// Workers are killed in most of them, and never by a frame: a gateway that takes one for
// poison, and gives it up, fails the phase.
//
// The comparison itself is package compare; what the workers do is package answer. The
// chat's phases are package chat, and package screens compares what people saw.
package verify
