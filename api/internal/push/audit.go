package push

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register"
)

// entry is what is logged of a call.
type entry struct {
	key    string // id; "": none that there is
	method string
	client string
	named  []slog.Attr
	reason string
	took   time.Duration
	unsaid bool // it is one of too many tries, which would fill the log
}

// audit logs a call.
func (d *Door) audit(e *entry, res proto.Message) {
	if e.unsaid {
		return
	}
	attrs := append([]slog.Attr{
		slog.String("key", e.key), slog.String("method", e.method), slog.String("from", e.client),
		slog.String("reason", e.reason), slog.Duration("took", e.took),
	}, e.named...)
	d.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, "push call", append(attrs, doneIn(res)...)...)
}

// toldFields are fields that are logged as they are, under these keys: they name processes,
// and how something was done, and nothing of anybody who chats.
var toldFields = map[protoreflect.Name]string{
	"all": "all", "now": "now", "role": "peer_role", "node": "peer", "share": "share", "code": "code",
}

// countedFields are fields that name somebody or something: the log has how many.
var countedFields = map[protoreflect.Name]bool{
	"conn": true, "conns": true, "users": true, "group": true, "groups": true, "bindings": true, "except_conns": true, "except_users": true,
}

// namedIn is what a request names.
func namedIn(req protoreflect.Message) (attrs []slog.Attr) {
	fields := req.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch v := req.Get(f); {
		case !req.Has(f):
		case toldFields[f.Name()] != "":
			attrs = append(attrs, slog.Any(toldFields[f.Name()], told(v)))
		case countedFields[f.Name()] && f.IsList():
			attrs = append(attrs, slog.Int(string(f.Name()), v.List().Len()))
		case countedFields[f.Name()]:
			attrs = append(attrs, slog.Int(string(f.Name())+"s", 1))
		}
	}
	return attrs
}

// maxTold is how much of a text is logged, in bytes: no name of a process is longer.
const maxTold = register.MaxStringBytes

// told is a value as it is logged.
func told(v protoreflect.Value) any {
	if s, ok := v.Interface().(string); ok && len(s) > maxTold {
		return strings.ToValidUTF8(s[:maxTold], "") + "…"
	}
	return v.Interface()
}

// doneIn is what an answer says of what was done, and of who did not answer.
func doneIn(res proto.Message) (attrs []slog.Attr) {
	var lost []string
	switch r := res.(type) {
	case *pushv1.SendResponse:
		attrs, lost = append(attrs, slog.Int("hit", int(r.GetHit()))), r.GetLost()
	case *pushv1.ShedGatewayResponse:
		attrs = append(attrs, slog.Int("asked", int(r.GetAsked())))
	case interface{ GetOutcome() *pushv1.Outcome }:
		attrs, lost = append(attrs, slog.Int("done", int(r.GetOutcome().GetDone()))), r.GetOutcome().GetLost()
	case interface{ GetLost() []string }:
		lost = r.GetLost()
	}
	if len(lost) > 0 {
		attrs = append(attrs, slog.Any("lost", lost))
	}
	return attrs
}

// reasonOf is what came of a call, in one word.
func reasonOf(err error) string {
	if err == nil {
		return "OK"
	}
	return fault.CodeOf(err).String()
}
