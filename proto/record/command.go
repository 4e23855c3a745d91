package record

// Command is anything a gateway does for a worker besides sending: bind, join,
// leave, close, session, queries. N numbers the commands and sends of one
// worker boot.
type Command struct {
	N    uint64
	Body []byte // protobuf
}

// AppendCommand appends c to dst. A body above MaxBody returns dst as it was,
// and an error.
func AppendCommand(dst []byte, c Command) ([]byte, error) {
	return appendNumbered(dst, KindCommand, c.N, c.Body)
}

// Command returns the current record, which must be of KindCommand.
func (r *Reader) Command() Command {
	rec := r.want(KindCommand, KindCommand)
	return Command{N: le.Uint64(rec[8:]), Body: tail(rec)}
}

// Result answers command or send N.
type Result struct {
	N    uint64
	Body []byte // protobuf
}

// AppendResult appends v to dst. A body above MaxBody returns dst as it was,
// and an error.
func AppendResult(dst []byte, v Result) ([]byte, error) {
	return appendNumbered(dst, KindResult, v.N, v.Body)
}

// Result returns the current record, which must be of KindResult.
func (r *Reader) Result() Result {
	rec := r.want(KindResult, KindResult)
	return Result{N: le.Uint64(rec[8:]), Body: tail(rec)}
}

// AppendApplied appends the gateway's word that all commands and sends up to n
// are applied: the worker need not send them again.
func AppendApplied(dst []byte, n uint64) []byte { return appendNumber(dst, KindApplied, n) }

// Applied returns the number in the current record, which must be of
// KindApplied.
func (r *Reader) Applied() (n uint64) {
	return le.Uint64(r.want(KindApplied, KindApplied)[8:])
}

func appendNumbered(dst []byte, k Kind, n uint64, body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return dst, refuse(k, "body", ErrTooLarge)
	}
	dst, rec := extend(dst, k, 0, numberHead, numberHead+len(body))
	le.PutUint64(rec[8:], n)
	copy(rec[numberHead:], body)
	return dst, nil
}
