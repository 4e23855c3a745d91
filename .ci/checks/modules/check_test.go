package modules

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/parley-im/parley/ci/checks/repo"
)

// good returns a go.work and two modules with nothing wrong.
func good() (mod, []mod) {
	work := mod{Go: goLine}
	work.Use = []struct{ DiskPath string }{{"./proto"}, {"./register"}}

	proto := mod{folder: "proto", Go: goLine}
	proto.Module.Path = repo.ModulePrefix + "proto"
	proto.Require = []version{{"example.com/a", "v1.0.0"}}

	register := mod{folder: "register", Go: goLine}
	register.Module.Path = repo.ModulePrefix + "register"
	register.Require = []version{{"example.com/a", "v1.0.0"}, {repo.ModulePrefix + "proto", "v0.0.0"}}
	register.Replace = []struct{ Old, New version }{{version{Path: repo.ModulePrefix + "proto"}, version{Path: "../proto"}}}
	return work, []mod{proto, register}
}

func TestGoodModulesPass(t *testing.T) {
	if got := check(good()); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestDisagreementIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(work *mod, mods []mod)
		want  string
	}{
		"go line": {
			func(_ *mod, m []mod) { m[0].Go = "1.26.1" },
			"proto/go.mod: says go 1.26.1, want " + goLine,
		},
		"toolchain": {
			func(_ *mod, m []mod) { m[0].Toolchain = json.RawMessage(`{"Name":"go1.26.8"}`) },
			"proto/go.mod: has a toolchain line: whoever builds it would download a Go",
		},
		"version": {
			func(_ *mod, m []mod) { m[0].Require[0].Version = "v1.1.0" },
			"example.com/a: versions differ: v1.0.0 in register; v1.1.0 in proto",
		},
		"sibling version": {
			func(_ *mod, m []mod) { m[1].Require[1].Version = "v0.1.0" },
			"register/go.mod: requires github.com/parley-im/parley/proto v0.1.0, want v0.0.0 and a replace line",
		},
		"sibling without folder": {
			func(_ *mod, m []mod) { m[1].Replace = nil },
			"register/go.mod: requires github.com/parley-im/parley/proto v0.0.0, want v0.0.0 and a replace line",
		},
		"sibling in another folder": {
			func(_ *mod, m []mod) { m[1].Replace[0].New.Path = "./proto" },
			"register/go.mod: replaces github.com/parley-im/parley/proto by ./proto, want ../proto",
		},
		"foreign replace": {
			func(_ *mod, m []mod) { m[1].Replace[0].Old.Path = "example.com/a"; m[1].Require = nil },
			"register/go.mod: replaces example.com/a, which is not ours: whoever requires this module gets the original",
		},
		"module path": {
			func(_ *mod, m []mod) { m[0].Module.Path += "s" },
			"proto/go.mod: is module github.com/parley-im/parley/protos, want github.com/parley-im/parley/proto",
		},
		"not in go.work": {
			func(w *mod, _ []mod) { w.Use = w.Use[1:] },
			"proto/go.mod: module and go.work disagree: tools stay out of go.work, all else is in it",
		},
	} {
		work, mods := good()
		test.spoil(&work, mods)
		if got := check(work, mods); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
