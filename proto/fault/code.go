package fault

// Code says what kind of thing went wrong. The set is closed. A Code is itself
// an error, for errors.Is and for places that have nothing more to say.
type Code uint8

// The codes. Their numbers are of this build only: what travels is the reason.
const (
	Internal         Code = iota // a mistake of ours; the client learns no more
	Invalid                      // the request cannot be right whatever the state
	Unauthenticated              // nobody knows who asks
	Forbidden                    // it is known who asks, and he may not
	NotFound                     // what is asked for is not there, or not for him
	Conflict                     // it was changed meanwhile, or exists already
	Stale                        // the conn that is meant has ended
	Moved                        // another worker acts for the conn by now
	TooLarge                     // a bound on size is exceeded
	RateLimited                  // too often: see RetryAfter
	Overloaded                   // a queue is full: see RetryAfter
	Unavailable                  // something that is needed is away, for now
	DeadlineExceeded             // it took too long; it may have happened
	Unimplemented                // the other end does not know this
	Malformed                    // what came cannot be read at all
	BadEnvelope                  // what came can be read and is no call
	codes                        // how many there are
)

// Codes returns every code there is, in the order of their numbers.
func Codes() []Code {
	all := make([]Code, 0, codes)
	for c := range codes {
		all = append(all, c)
	}
	return all
}

// String returns the reason: UPPER_SNAKE, stable, what programs compare.
func (c Code) String() string { return c.row().reason }

// Error returns the reason.
func (c Code) Error() string { return c.row().reason }

// Temporary reports whether the same request may succeed later.
func (c Code) Temporary() bool { return c.row().temporary }

// GRPC returns the code of a gRPC status.
func (c Code) GRPC() uint32 { return c.row().grpc }

// HTTP returns the status of an HTTP answer.
func (c Code) HTTP() int { return c.row().http }

// JSONRPC returns the code of a JSON-RPC error.
func (c Code) JSONRPC() int { return c.row().jsonRPC }

// Close returns the close code for a conn that ends for this reason.
func (c Code) Close() CloseCode { return c.row().close }

func (c Code) row() entry {
	if c >= codes {
		c = Internal
	}
	return table[c]
}
