package fault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Every code has every column, and what clients tell codes apart by is its own.
func TestTableIsCompleteAndOneToOne(t *testing.T) {
	upperSnake := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
	reasons, numbers := map[string]Code{}, map[int]Code{}
	for c := range codes {
		row := table[c]
		if !upperSnake.MatchString(row.reason) || row.message == "" || strings.ToLower(row.message) != row.message {
			t.Errorf("%d: reason %q, message %q", c, row.reason, row.message)
		}
		if other, ok := reasons[row.reason]; ok {
			t.Errorf("%v and %v have the same reason", c, other)
		}
		if other, ok := numbers[row.jsonRPC]; ok {
			t.Errorf("%v and %v have the same JSON-RPC code", c, other)
		}
		reasons[row.reason], numbers[row.jsonRPC] = c, c
		if row.grpc == 0 || row.grpc > 16 {
			t.Errorf("%v: gRPC code %d", c, row.grpc)
		}
		if row.http < 400 || row.http > 599 || http.StatusText(row.http) == "" {
			t.Errorf("%v: HTTP status %d", c, row.http)
		}
		if standard := row.jsonRPC >= -32603 && row.jsonRPC <= -32600 || row.jsonRPC == -32700; !standard && (row.jsonRPC > -32000 || row.jsonRPC < -32099) {
			t.Errorf("%v: JSON-RPC code %d is neither the standard's nor a server's", c, row.jsonRPC)
		}
		if row.close.Name() == "other" || row.close == CloseNone || row.close == CloseLost {
			t.Errorf("%v: close code %v", c, row.close)
		}
		if row.temporary && !row.close.Again() {
			t.Errorf("%v is temporary, and %v tells the client not to come back", c, row.close)
		}
		if back, ok := FromReason(row.reason); !ok || back != c {
			t.Errorf("%v: its reason leads to %v", c, back)
		}
		if back, ok := FromJSONRPC(row.jsonRPC); !ok || back != c {
			t.Errorf("%v: its JSON-RPC code leads to %v", c, back)
		}
		if back := FromGRPC(row.grpc); back.GRPC() != row.grpc {
			t.Errorf("%v: its gRPC code leads to %v, which has another", c, back)
		}
	}
}

// The numbers that JSON-RPC and the design have fixed.
func TestFixedNumbers(t *testing.T) {
	for c, number := range map[Code]int{
		Malformed: -32700, BadEnvelope: -32600, Unimplemented: -32601, Invalid: -32602, Internal: -32603, RateLimited: -32005,
	} {
		if c.JSONRPC() != number {
			t.Errorf("%v: got %d, want %d", c, c.JSONRPC(), number)
		}
	}
	if CloseResync != 4001 || CloseIdle != 4002 || CloseUnconfirmed != 4003 {
		t.Error("a close code has changed its number")
	}
}

func TestEveryGRPCCodeIsRead(t *testing.T) {
	want := [...]Code{1: Unavailable, Internal, Invalid, DeadlineExceeded, NotFound, Conflict, Forbidden, Overloaded, Stale, Conflict,
		TooLarge, Unimplemented, Internal, Unavailable, Internal, Unauthenticated}
	for n := 1; n <= 16; n++ {
		if got := FromGRPC(uint32(n)); got != want[n] {
			t.Errorf("gRPC code %d: got %v, want %v", n, got, want[n])
		}
	}
	for _, n := range []uint32{0, 17, 1 << 31} {
		if got := FromGRPC(n); got != Internal {
			t.Errorf("gRPC code %d: got %v, want INTERNAL", n, got)
		}
	}
}

func TestUnknownIsInternal(t *testing.T) {
	if got := Code(200); got.String() != "INTERNAL" || got.HTTP() != 500 {
		t.Errorf("code 200: got %v, %d", got, got.HTTP())
	}
	if c, ok := FromReason("NEW_IN_VERSION_9"); ok || c != Internal {
		t.Errorf("unknown reason: got %v, %v", c, ok)
	}
	if c, ok := FromJSONRPC(1); ok || c != Internal {
		t.Errorf("unknown number: got %v, %v", c, ok)
	}
}

// Every constant of type CloseCode has a name, and no two share a number.
func TestCloseCodesAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "close.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	for _, d := range file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			constants += len(g.Specs)
		}
	}
	if constants != len(closeNames) { // equal numbers would not compile as keys
		t.Errorf("constants: %d, names: %d", constants, len(closeNames))
	}
	names := map[string]bool{}
	for c, name := range closeNames {
		if names[name] {
			t.Errorf("%q names two codes", name)
		}
		names[name] = true
		if own := c >= 4000; own && c.Again() != (c < 4500) {
			t.Errorf("%v: come back %v", c, c.Again())
		} else if !own && (c < 1000 || c > 1013) {
			t.Errorf("%v is neither RFC 6455's nor ours", c)
		}
	}
	for _, c := range []CloseCode{CloseNormal, ClosePolicy, CloseNone, CloseProtocol, 4500, 4999, 5000, 0} {
		if c.Again() {
			t.Errorf("%v: come back", c)
		}
	}
	for _, c := range []CloseCode{CloseGoingAway, CloseLost, CloseInternal, CloseRestart, CloseTryLater, 4000, 4499} {
		if !c.Again() {
			t.Errorf("%v: do not come back", c)
		}
	}
	if got := CloseResync.String(); got != "4001 resync" {
		t.Errorf("text: got %q", got)
	}
	if got := CloseCode(4321).Name(); got != "other" {
		t.Errorf("a client's own code: got %q", got)
	}
}
