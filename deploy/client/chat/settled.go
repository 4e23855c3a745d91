package chatclient

// Settled reports whether everything the client knows of is done: a session is open,
// every send is answered, heads are compared, and nothing is missing on a screen.
// Otherwise it says what is not. What the client does not know of yet, a push on its
// way, is not in it.
func (c *Client) Settled() (settled bool, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.line == nil || !c.line.live:
		return false, "no session is open"
	case c.outbox.length > 0:
		return false, "sends are not answered"
	case c.look.running || c.look.again:
		return false, "heads are not compared"
	case c.line.renewing:
		return false, "a token is renewed"
	}
	for _, v := range c.conversations {
		if t, _ := v.need(c.line.n); v.busy || t != nothing {
			return false, "conversation " + v.id + " is not complete"
		}
	}
	return true, ""
}
