package linkcodec

import "google.golang.org/grpc/mem"

// Batch is one message of the link's stream: AttachRequest or AttachResponse,
// whose fields are the same. The zero Batch is empty and ready for both uses.
//
// To send: Reserve, append to Records, SendMsg, Release, and again. To
// receive: RecvMsg, read Records, Release, and again. A Batch has one owner at
// a time; only the memory behind it is shared, with gRPC, and counted.
type Batch struct {
	// Handshake is a parley.node.v1.Handshake in protobuf, nil when the
	// message carries none. gRPC may read it after SendMsg has returned: the
	// sender does not change it afterwards. What was received is valid until
	// Release.
	Handshake []byte

	// Records is a run of records. A sender appends to it and stores what
	// append returns; it does not point it to memory that it uses again. What
	// was received is one piece, read-only, and valid until Release.
	Records []byte

	own  *[]byte    // from Reserve: where Records lies while it is filled
	held mem.Buffer // the reference of this Batch to memory that gRPC shares
	in   bool       // held was received
}

// Reserve gives b memory for records out of a pool, to which Release returns
// it. Without Reserve appending works too, on memory that is collected as
// garbage. It does nothing when b has records or memory already.
func (b *Batch) Reserve() {
	if b.own == nil && b.held == nil && b.Records == nil {
		b.own = outgoing.Get(1 << minClass)
		b.Records = *b.own
	}
}

// Release lets go of the memory and leaves b empty, whether or not SendMsg or
// RecvMsg succeeded. gRPC may still be writing what was sent: the memory is
// used again only when it has finished.
func (b *Batch) Release() {
	if b.held != nil {
		b.held.Free()
	}
	if b.own != nil {
		*b.own = b.Records
		outgoing.Put(b.own)
	}
	*b = Batch{}
}

// share returns the records as memory whose references are counted; b keeps
// one. From here on Records must not be changed.
func (b *Batch) share() mem.Buffer {
	if b.held == nil {
		if b.own == nil {
			return mem.SliceBuffer(b.Records)
		}
		*b.own = b.Records
		b.held = mem.NewBuffer(b.own, &outgoing)
		b.own = nil
	}
	b.held.Ref()
	return b.held
}
