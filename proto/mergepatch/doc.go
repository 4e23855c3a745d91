// Package mergepatch applies JSON merge patches (RFC 7396) to sessions, at the gateway
// that keeps a session and at the worker whose handler wants to see it at once: both
// must come to the same bytes.
//
//	b, err := mergepatch.Apply([]byte(`{"room":7,"name":"a"}`), []byte(`{"name":null,"seat":2}`), 16<<10)
//	// {"room":7,"seat":2}
//
// A member of the patch takes the place of the document's; two objects are merged
// member by member; null takes a member away. Only whole documents that are objects are
// merged, and no document at all counts as the empty one.
//
// # What holds
//
// Values are copied as they are written, so 1.0, 1e400 and 12345678901234567890 stay
// what they are. What comes out is an object without white space between its tokens;
// members keep their order, new ones come last. A name that comes twice in an object counts
// as its last value. The result depends on nothing but the arguments, and a patch that is
// applied a second time changes nothing.
//
// It does no I/O and knows nothing of conns or versions. Work is bounded by the sizes of
// document and patch, times [MaxDepth]; a patch is at most four times what the result may be.
package mergepatch
