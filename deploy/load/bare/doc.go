// Package bare is the least that can stand in for a gateway and a worker: one
// thread, one epoll, one write for each frame, no checks worth the name. It speaks
// the language of package counterpart. What it costs is what the kernel costs on
// this machine today, and so the yardstick for everything above it.
//
// It is for measuring only: it trusts its clients, and a conn that does not take
// what it is sent ends.
package bare
