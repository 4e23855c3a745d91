package imports

import (
	"slices"
	"testing"

	"github.com/parley-im/parley/ci/checks/repo"
)

func ours(folder string) string { return repo.ModulePrefix + folder }

func TestMatches(t *testing.T) {
	hub := &pkg{ImportPath: ours("gateway/internal/hub"), Name: "hub"}
	std := &pkg{ImportPath: "net/http", Name: "http", Standard: true}
	gws := &pkg{ImportPath: "github.com/lxzan/gws", Name: "gws"}
	main := &pkg{ImportPath: ours("gateway/cmd/parley-gateway"), Name: "main"}
	kit := &pkg{ImportPath: ours("register/registertest"), Name: "registertest"}

	for _, test := range []struct {
		list string
		p    *pkg
		want bool
	}{
		{"", hub, false},
		{"./...", hub, true},
		{"./gateway/...", hub, true},
		{"./gateway", hub, false},
		{"./gate/...", hub, false},
		{"./... !./gateway/internal/hub", hub, false},
		{"./... !main", hub, true},
		{"./... !main", main, false},
		{"./... !testkit", kit, false},
		{"ext", hub, false},
		{"ext", std, false},
		{"ext", gws, true},
		{"std", std, true},
		{"net/...", std, true},
		{"net", std, false},
		{"./...", gws, false},
		{"github.com/lxzan/gws/...", gws, true},
	} {
		if got := matches(test.list, test.p); got != test.want {
			t.Errorf("matches(%q, %s) = %v, want %v", test.list, test.p.ImportPath, got, test.want)
		}
	}
}

func TestBreachesAreFound(t *testing.T) {
	g := graph{
		"net": {ImportPath: "net", Name: "net", Standard: true},
		ours("gateway/internal/hub"): {
			ImportPath:  ours("gateway/internal/hub"),
			Imports:     []string{"sync", "net"},
			TestImports: []string{"os"},
		},
		ours("worker"): {
			ImportPath: ours("worker"),
			Imports:    []string{ours("proto/fault")},
			Deps:       []string{ours("proto/fault"), "github.com/lxzan/gws"},
		},
	}
	for _, test := range []struct {
		name string
		rule rule
		want []string
	}{
		{
			"own import",
			rule{about: "./gateway/internal/hub", forbid: "net/... os", reason: "no I/O"},
			[]string{"gateway/internal/hub imports net: no I/O"},
		},
		{
			"import of a test",
			rule{about: "./gateway/internal/hub", tests: true, forbid: "os", reason: "no I/O"},
			[]string{"gateway/internal/hub imports os: no I/O"},
		},
		{
			"compiled in by others",
			rule{about: "./worker/...", deep: true, allow: "std ./proto/...", reason: "the SDK"},
			[]string{"worker compiles in github.com/lxzan/gws: the SDK"},
		},
		{
			"nothing wrong",
			rule{about: "./worker/...", allow: "./proto/...", reason: "x"},
			nil,
		},
		{
			"nobody bound",
			rule{about: "./wroker/...", reason: "x"},
			[]string{`rule about "./wroker/..." binds no package (x)`},
		},
	} {
		if got := g.check([]rule{test.rule}); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEveryRuleHasAReason(t *testing.T) {
	for _, r := range slices.Concat(layers, rules) {
		if r.about == "" || r.reason == "" || r.allow == "" && r.forbid == "" {
			t.Errorf("incomplete rule: %+v", r)
		}
	}
}
