package worker

// Message is one frame that a client sent.
type Message struct {
	// Payload is the content. It is valid until the handler returns; its memory
	// is used again after that, so keep a copy (or Text) of what you need longer.
	Payload []byte
	// Binary tells a binary frame from a text frame, whose Payload is valid UTF-8.
	Binary bool
	// Redelivered says that a worker may have handled this frame before: it was
	// given to one that was lost before it acknowledged it. Its replies did not
	// happen, but what it wrote elsewhere may have.
	Redelivered bool
	// Seq is the number of this event of the conn, rising by one from OnOpen's 1.
	// A redelivered frame has the number it had: (Conn.ID, Seq) names a frame.
	Seq uint32
}

// Text returns the payload as a string, a copy.
func (m Message) Text() string { return string(m.Payload) }
