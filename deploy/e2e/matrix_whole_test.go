package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
	"testing"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// TestEveryMethodIsInTheMatrix fails when a call is added to the SDK, or to PushService, and not
// to the matrix.
func TestEveryMethodIsInTheMatrix(t *testing.T) {
	known, keys := map[string]bool{}, map[string]bool{}
	for _, r := range rows() {
		if keys[r.key()] {
			t.Errorf("two rows are called %q", r.key())
		}
		keys[r.key()] = true
		for _, call := range strings.Fields(r.calls) {
			known[call] = true
		}
	}
	there := map[string]bool{}
	for name, of := range map[string]reflect.Type{
		"Sender.": reflect.TypeFor[*worker.Sender](), "Conn.": reflect.TypeFor[*worker.Conn](), "PushService.": reflect.TypeFor[pushv1.PushServiceClient](),
	} {
		for i := range of.NumMethod() {
			call := name + of.Method(i).Name
			there[call] = true
			if !known[call] {
				t.Errorf("no row of the matrix calls %s: add one to matrix_*_test.go", call)
			}
		}
	}
	for call := range known {
		if !there[call] {
			t.Errorf("a row says that it calls %s, which is not there", call)
		}
	}
}

// TestRowsOfTheMatrixCallWhatTheySay reads the rows as they are written: a row that names a
// method has it in the function that plays it.
func TestRowsOfTheMatrixCallWhatTheySay(t *testing.T) {
	read := 0
	for _, name := range []string{"sends", "changes", "queries", "conn", "push", "endings"} {
		file, err := parser.ParseFile(token.NewFileSet(), "matrix_"+name+"_test.go", nil, parser.SkipObjectResolution)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			fields := map[string]ast.Expr{}
			for _, e := range lit.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok {
						fields[key.Name] = kv.Value
					}
				}
			}
			said, ok := fields["calls"].(*ast.BasicLit)
			if !ok {
				return true
			}
			read++
			calls, err := strconv.Unquote(said.Value)
			must(t, err)
			for _, call := range strings.Fields(calls) {
				_, method, _ := strings.Cut(call, ".")
				if !selects(fields["sender"], method) && !selects(fields["conn"], method) && !selects(fields["push"], method) {
					t.Errorf("%s: the row %q does not call %s", file.Name, calls, method)
				}
			}
			return true
		})
	}
	if want := len(rows()); read != want {
		t.Errorf("%d rows were read, there are %d", read, want)
	}
}

// selects reports whether the method is called somewhere in it, or named in a string.
func selects(in ast.Expr, method string) (found bool) {
	if in == nil {
		return false
	}
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && s.Sel.Name == method
		case *ast.BasicLit:
			found = found || n.Value == strconv.Quote(method)
		}
		return true
	})
	return found
}
