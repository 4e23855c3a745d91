package link

import "time"

// SettleWait is how long an answer waits for a worker that does not acknowledge a route.
const SettleWait = settleWait

// Counted is how many conns workers are thought to have, and to be busy with, in all.
func (l *Link) Counted() (owned, busy int64) {
	for _, w := range l.attached() {
		owned += w.owned.Load()
		busy += w.underWay.Load()
	}
	return owned, busy
}

// Home is the node of the worker that a user belongs to, of those that serve the path.
func (l *Link) Home(path, user string) string { return l.pool(path).home(user).peer.Node }

// SlowStart is how long a new worker of a path takes to get its whole share.
func (l *Link) SlowStart(path string) time.Duration { return l.pool(path).slow }
