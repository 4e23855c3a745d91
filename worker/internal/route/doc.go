// Package route knows which gateways have a conn of a user or of a group.
//
// It is an inverted index: from a name to the set of gateways, each of which is
// a small number, its slot. A send looks a name up once, however many gateways
// there are. Each link writes only its own slot, from its own receiving
// goroutine; everybody reads.
//
// The table may name a gateway that has nobody of that name any more. That it
// never misses one that has is not promised here but by the lease of each link:
// see package link.
package route
