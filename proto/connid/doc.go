// Package connid names connections.
//
// An [ID] says which conn of which life of which gateway: the gateway's boot
// id and the conn's number within it. Whoever holds an ID can speak to that
// conn through any worker, without a directory: the boot id leads to the
// gateway, the number to the socket.
//
//	id := connid.Random(boot)       // once per accepted conn
//	id.String()                     // "q83vEjRWeJAAAAAAAAAAKg"
//	id, err := connid.Parse(text)
//
// # Unguessable
//
// IDs leave the system: backends store them, clients may see their own. Both
// halves are random to anyone outside, so nobody can make up the ID of another
// person's conn, count the conns of a gateway, or tell which came first. They
// are no secrets that prove who someone is: never accept one as a login.
//
// # Stale
//
// An ID is stale once its conn has closed or its gateway process has ended. It
// never comes to mean another conn: boot ids differ between lives of a gateway,
// also on the same address, and within one life [Source] repeats no number. So
// a command for a stale ID is answered with fault.Stale and reaches nobody;
// whoever gets that answer forgets the ID.
//
// # What it does not do
//
// It does not know which conns exist. The link speaks of conns by number
// alone: both its ends know the gateway.
package connid
