package fault

// entry is a row of the table.
type entry struct {
	reason    string // for programs, UPPER_SNAKE, never changed
	message   string // for people, where the caller gave none
	temporary bool   // the same request may succeed later
	grpc      uint32 // codes.Code of google.golang.org/grpc
	http      int
	jsonRPC   int       // one per code: clients tell them apart by it
	close     CloseCode // when it ends a conn
}

// table has a row for every code. Where a gRPC code or an HTTP status stands in
// several rows, the reason beside it tells them apart.
var table = [codes]entry{
	Internal:         {"INTERNAL", "internal error", false, 13, 500, -32603, CloseInternal},
	Invalid:          {"INVALID", "invalid request", false, 3, 400, -32602, ClosePolicy},
	Unauthenticated:  {"UNAUTHENTICATED", "not signed in", false, 16, 401, -32001, CloseUnauthenticated},
	Forbidden:        {"FORBIDDEN", "not allowed", false, 7, 403, -32002, CloseForbidden},
	NotFound:         {"NOT_FOUND", "not found", false, 5, 404, -32003, ClosePolicy},
	Conflict:         {"CONFLICT", "changed meanwhile", false, 10, 409, -32004, ClosePolicy},
	RateLimited:      {"RATE_LIMITED", "slow down", true, 8, 429, -32005, CloseTryLater},
	TooLarge:         {"TOO_LARGE", "too large", false, 11, 413, -32006, CloseTooLarge},
	Overloaded:       {"OVERLOADED", "overloaded, try again", true, 8, 503, -32007, CloseTryLater},
	Unavailable:      {"UNAVAILABLE", "unavailable, try again", true, 14, 503, -32008, CloseTryLater},
	DeadlineExceeded: {"DEADLINE_EXCEEDED", "took too long", true, 4, 504, -32009, CloseTryLater},
	Stale:            {"STALE", "the connection has ended", false, 9, 410, -32010, ClosePolicy},
	Moved:            {"MOVED", "another worker acts for the connection", true, 10, 409, -32011, CloseTryLater},
	Unimplemented:    {"UNIMPLEMENTED", "not known here", false, 12, 404, -32601, ClosePolicy},
	Malformed:        {"MALFORMED", "cannot be read", false, 3, 400, -32700, ClosePolicy},
	BadEnvelope:      {"BAD_ENVELOPE", "not a call", false, 3, 400, -32600, ClosePolicy},
}

// others are the gRPC codes that no row sends, or that several send and a peer
// may mean without saying which.
var others = map[uint32]Code{
	1:  Unavailable, // Canceled: the caller, or the server as it leaves
	2:  Internal,    // Unknown
	3:  Invalid,
	6:  Conflict,   // AlreadyExists
	8:  Overloaded, // gRPC itself says so of a message above its bound and of full buffers
	10: Conflict,   // Aborted
	15: Internal,   // DataLoss
}

// FromReason returns the code of a reason; ok is false for one that is not in
// the table, which a newer peer may send: read it as what its status says.
func FromReason(reason string) (c Code, ok bool) {
	for i := range table {
		if table[i].reason == reason {
			return Code(i), true
		}
	}
	return Internal, false
}

// FromGRPC returns the code of a gRPC status that gives no reason: one of a
// proxy, of gRPC itself, or of another program.
func FromGRPC(status uint32) Code {
	if c, ok := others[status]; ok {
		return c
	}
	for i := range table {
		if table[i].grpc == status {
			return Code(i)
		}
	}
	return Internal
}

// FromJSONRPC returns the code of a JSON-RPC error; ok is false for a number
// that is not in the table.
func FromJSONRPC(number int) (c Code, ok bool) {
	for i := range table {
		if table[i].jsonRPC == number {
			return Code(i), true
		}
	}
	return Internal, false
}
