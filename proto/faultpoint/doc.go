// Package faultpoint lets a test build stop, kill or delay a process at a
// moment that random faults rarely meet, and switch one guarantee off to see
// that the tests notice.
//
// A normal build contains none of it: Hit is empty, Sabotaged is the constant
// false, and the compiler removes both. With the build tag parley_faults the
// two read their orders from the environment, once, at start:
//
//	PARLEY_FAULTPOINTS="gateway.ack-before-reply=kill@40,gateway.snapshot-half=stop@3"
//	PARLEY_SABOTAGE="no-redelivery"
//
// A point is name=action@n: the action happens the n-th time the point is hit.
// Actions are kill (SIGKILL to oneself), stop (SIGSTOP to oneself; somebody
// else must send SIGCONT) and delay:DURATION (every hit from the n-th on).
//
// The points are named in points.go, so that a misspelt one does not compile.
package faultpoint
