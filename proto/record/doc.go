// Package record is the hot part of the link between gateway and worker: the
// records that stand in the bytes field "records" of AttachRequest and
// AttachResponse. It writes them into a caller's buffer and reads them in
// place; neither allocates.
//
//	b, err = record.AppendMessage(b, record.Message{Conn: 7, Term: 1, Seq: 2, Payload: p})
//
//	r := record.NewReader(b)
//	for r.Next() {
//		switch r.Kind() {
//		case record.KindMessage:
//			m := r.Message() // m.Payload points into b
//		case record.KindSend:
//			for name := range r.Send().Names.All() { … }
//		}
//	}
//	if err := r.Err(); err != nil { … } // close the link
//
// The package answers for the layout and its bounds, in both directions. It
// does not know what a gateway or worker does about a record, does not look
// into bodies (protobuf, package gatewayv1), and does not put batches into gRPC
// (package linkcodec). Why the layout is this one and not another:
// docs/decisions/0001-record-layout.md.
//
// # Layout
//
// A batch is records one after another, without padding. A record lies in one
// batch as a whole. Numbers are unsigned and little-endian; every record begins
// with the same eight bytes:
//
//	at  size
//	 0   4   length of the record, these bytes included
//	 4   1   kind, never 0
//	 5   1   flags, of the kind
//	 6   2   head: where the part of variable length begins
//	 8   …   fields of fixed length
//	head …   the part of variable length, to the end of the record
//
// Fields of fixed length come first, those that are always there in the order
// of the tables, then those whose flag is set, in the order of the flags. A
// record without a part of variable length ends at head.
//
// # Gateway to worker
//
//	Message 1         8 conn u64, 16 term u32, 20 seq u32, [24 trace 16]; payload
//	                  flags: 1 binary, 2 redelivered, 4 trace is there, 8 alone
//	Open 2, Closed 3  8 conn u64, 16 term u32, 20 seq u32; body
//	                  flags: 2 redelivered, 8 alone
//	Context 4         as Open, without 8; seq is 0, nothing acknowledges it
//	Revoked 5         8 conn u64, 16 term u32
//	SnapshotBegin 6   –
//	SnapshotEnd 7     8 seq u64
//	Delta 8           8 seq u64; name
//	                  flags: 1 a group, else a user; 2 removed
//	Applied 9         8 n u64
//	Result 10         8 n u64; body
//	Granted 11        8 token u64
//	Leaving 12        –
//	Attached 13       body
//	Drained 14        –
//	Drain 15          –
//	AloneNoted 16     8 n u64
//
// # Worker to gateway
//
//	Done 64           8 conn u64, 16 term u32, 20 seq u32; items, one per reply
//	                  flags: 1 forget
//	DoneWith 65       8 conn u64, 16 term u32, 20 seq u32; body
//	                  flags: 1 forget
//	Send 66           see below
//	Command 67        8 n u64; body
//	DeltaAck 68       8 seq u64
//	Beat 69           8 token u64, 16 awaiting u64, [24 load u32]
//	                  flags: 1 load is there
//	Draining 70       –
//	Attach 71         body
//	Alone 72          8 n u64, 16 conn u64, 24 term u32, 28 seq u32
//	                  flags: 1 over
//
// An item, one WebSocket message on its way out, is
//
//	at  size
//	 0   4   length of the payload
//	 4   1   flags: 1 binary
//	 5   1   length of the subprotocol's name; 0 in a reply
//	 6   2   zero
//	 8   …   the name, then the payload
//
// and a Send is
//
//	at  size
//	 8   8   n
//	16   1   target: 1 conns, 2 users, 3 groups, 4 all
//	17   1   class: 1 must, 2 droppable, 3 merge
//	18   1   how many bodies, 1 to 4
//	19   1   zero
//	20   2   length of the key, 1 or more if merge
//	22   2   zero
//	24   4   how many targets, 0 if all
//	28   4   how many conns are excluded
//	[    16] once, with flag 2
//	[    16] trace, with flag 4
//	[     8] how many users are excluded u32, 1 or more; their bytes u32; with flag 8
//	head …   the key
//	         the excluded conns, u64 each
//	         the bodies, an item each
//	         the targets: conns as u64, users and groups as u16 length and name
//	         the excluded users, u16 length and name each
//
// with flag 1 if a Result is wanted. Of the bodies a conn gets the one that
// names its subprotocol, else the one without a name, else none. Flag 8 is only
// for a gateway with FeatureExceptUsers; another finds bytes behind the targets
// and refuses the record as malformed, so it can never deliver to the excluded.
//
// The files in testdata show the bytes of each kind, field by field; the tests
// keep them true, and another implementation can read them.
//
// # Bounds
//
// The constants of limits.go are part of protocol 1: payload and body 1 MiB,
// name 1 to 1,024 bytes, 65,536 targets, 256 excluded users, 4 bodies, record
// 4 MiB, batch 8 MiB.
// Appenders refuse what is above, so that a mistake is the caller's error and
// not the end of the link; so does the reader. A Send of many long names is cut
// by MaxRecord before MaxTargets: split it.
//
// # Versions
//
// A receiver passes over a record whose kind it does not know, over flags it
// does not know, and over fields of fixed length between those it knows and
// head; it never takes "zero" bytes for anything. So a later minor version may
// add kinds, flags (higher than those there are) and fields (behind those there
// are), and send them to anybody, where it is harmless that an older end does
// not see them. Where it is not, the sender asks the features of the handshake
// first, as for excluded users (features.go). New values of target and class are refused as malformed: an older
// gateway could not carry out half a Send.
//
// A record that is wrong in itself ends the batch and, by the caller, the
// stream: after it no length can be trusted. See Error for what may be wrong.
package record
