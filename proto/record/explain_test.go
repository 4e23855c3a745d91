package record

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// explain writes a record as lines of hex and field, from the layout tables in
// doc.go and not from the package's code: a second reader, for the golden
// files.
func explain(rec []byte) string {
	x := &explainer{rest: rec}
	size := x.u32("length")
	kind := Kind(x.u8("kind"))
	x.last(" " + kind.String())
	flags := x.u8("flags")
	head := x.u16("head")
	end := int(size) - int(head)
	switch kind {
	case KindMessage:
		x.last(names(flags, "binary", "redelivered", "trace", "alone"))
		x.event()
		x.optional(flags, 0x04, "trace")
		x.bytes("payload", end)
	case KindOpen, KindClosed, KindContext:
		x.last(names(flags, "", "redelivered", "", "alone"))
		x.event()
		x.bytes("body", end)
	case KindRevoked:
		x.u64x("conn")
		x.u32("term")
	case KindSnapshotEnd, KindDeltaAck:
		x.u64("seq")
	case KindDelta:
		x.last(names(flags, "group", "removed"))
		x.u64("seq")
		x.bytes("name", end)
	case KindApplied, KindAloneNoted:
		x.u64("n")
	case KindResult, KindCommand:
		x.u64("n")
		x.bytes("body", end)
	case KindGranted:
		x.u64x("token")
	case KindAttached, KindAttach:
		x.bytes("body", end)
	case KindDone:
		x.last(names(flags, "forget"))
		x.event()
		for i := 1; len(x.rest) > 0; i++ {
			x.item(fmt.Sprintf("reply %d", i))
		}
	case KindDoneWith:
		x.last(names(flags, "forget"))
		x.event()
		x.bytes("body", end)
	case KindSend:
		x.send(flags)
	case KindAlone:
		x.last(names(flags, "over"))
		x.u64("n")
		x.event()
	case KindBeat:
		x.last(names(flags, "load"))
		x.u64x("token")
		x.u64("awaiting")
		if flags&0x01 != 0 {
			x.u32("load")
		}
	}
	if len(x.rest) > 0 {
		x.line("LEFT OVER", x.rest)
	}
	return x.text()
}

// names lists the flags that are set.
func names(flags uint64, bit ...string) string {
	var set []string
	for i, name := range bit {
		if flags&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return ""
	}
	return " " + strings.Join(set, " ")
}

type explainer struct {
	rest  []byte
	lines []string
	note  int // the line that last adds to: flags, except right after kind
}

func (x *explainer) line(what string, b []byte) {
	for from := 0; ; from += 16 {
		part := b[from:min(from+16, len(b))]
		x.lines = append(x.lines, fmt.Sprintf("%-47s  %s", fmt.Sprintf("% x", part), what))
		if from+16 >= len(b) {
			return
		}
		what = "…"
	}
}

func (x *explainer) take(n int) []byte {
	b := x.rest[:n]
	x.rest = x.rest[n:]
	return b
}

func (x *explainer) number(what, format string, n int) uint64 {
	b := x.take(n)
	var wide [8]byte
	copy(wide[:], b)
	v := binary.LittleEndian.Uint64(wide[:])
	x.line(what+" "+fmt.Sprintf(format, v), b)
	if what == "kind" || what == "flags" {
		x.note = len(x.lines) - 1
	}
	return v
}

func (x *explainer) u8(what string) uint64   { return x.number(what, "%d", 1) }
func (x *explainer) u16(what string) uint64  { return x.number(what, "%d", 2) }
func (x *explainer) u32(what string) uint64  { return x.number(what, "%d", 4) }
func (x *explainer) u64(what string) uint64  { return x.number(what, "%d", 8) }
func (x *explainer) u64x(what string) uint64 { return x.number(what, "0x%x", 8) }

// last adds to the line of the kind or of the flags.
func (x *explainer) last(s string) { x.lines[x.note] += s }

func (x *explainer) bytes(what string, n int) {
	if n == 0 {
		return
	}
	b := x.take(n)
	for _, c := range b {
		if c < ' ' || c > '~' {
			x.line(what, b)
			return
		}
	}
	x.line(fmt.Sprintf("%s %q", what, b), b)
}

func (x *explainer) optional(flags, bit uint64, what string) {
	if flags&bit != 0 {
		x.bytes(what, 16)
	}
}

func (x *explainer) event() {
	x.u64x("conn")
	x.u32("term")
	x.u32("seq")
}

func (x *explainer) item(what string) {
	n := int(x.u32(what + ": length"))
	flags := x.u8(what + ": flags")
	x.lines[len(x.lines)-1] += names(flags, "binary")
	name := int(x.u8(what + ": subprotocol length"))
	x.u16(what + ": zero")
	x.bytes(what+": subprotocol", name)
	x.bytes(what+": payload", n)
}

func (x *explainer) send(flags uint64) {
	x.last(names(flags, "want-result", "once", "trace", "except-users"))
	x.u64("n")
	target := x.u8("target")
	x.lines[len(x.lines)-1] += " " + [...]string{1: "conns", "users", "groups", "all"}[target]
	class := x.u8("class")
	x.lines[len(x.lines)-1] += " " + [...]string{1: "must", "droppable", "merge"}[class]
	bodies := x.u8("bodies")
	x.u8("zero")
	key := int(x.u16("key length"))
	x.u16("zero")
	targets := x.u32("targets")
	exclude := x.u32("exclude")
	x.optional(flags, 0x02, "once")
	x.optional(flags, 0x04, "trace")
	var except uint64
	if flags&0x08 != 0 {
		except = x.u32("excluded users")
		x.u32("bytes of excluded users")
	}
	x.bytes("key", key)
	for range exclude {
		x.u64x("exclude: conn")
	}
	for i := range bodies {
		x.item(fmt.Sprintf("body %d", i+1))
	}
	for range targets {
		if target == 1 {
			x.u64x("target: conn")
		} else {
			x.bytes("target: name", int(x.u16("target: length")))
		}
	}
	for range except {
		x.bytes("excluded user: name", int(x.u16("excluded user: length")))
	}
}

func (x *explainer) text() string {
	for i, l := range x.lines {
		x.lines[i] = strings.TrimRight(l, " ") + "\n"
	}
	return strings.Join(x.lines, "")
}
