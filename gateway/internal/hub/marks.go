package hub

// marks is a set of conns: one bit each, at its place in its conn shard, so that
// 20,000 conns are 2.5 KiB. A conn keeps its place for as long as it is in the
// hub; one that takes the place of another during a send may find it marked and
// be passed over, which a conn that came after the send had begun may be.
type marks struct {
	words []uint64 // index: the place in the shard; bit: the shard
}

// set marks c and reports whether it was marked before.
func (m *marks) set(c *Conn) (was bool) {
	if int(c.at) >= len(m.words) {
		m.grow(int(c.at) + 1)
	}
	w, bit := &m.words[c.at], uint64(1)<<connShardOf(c.id)
	was = *w&bit != 0
	*w |= bit
	return was
}

func (m *marks) grow(n int) {
	m.words = append(m.words, make([]uint64, max(n, 2*len(m.words), 64)-len(m.words))...)
}

func (m *marks) clear() { clear(m.words) }
