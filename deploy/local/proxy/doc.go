// Package proxy stands between processes and a server that is not ours to stop: a
// database on its standard port, which others use too. It can refuse, cut and hold
// back what passes, so that for those behind it the server is down or frozen. It
// answers for bytes of TCP and looks at none of them.
package proxy
