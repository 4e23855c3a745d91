// Package modules checks what the go.mod files of the repository must agree on,
// since each is released by itself but all are tested together.
package modules

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// goLine is the one version in every go.mod and in go.work.
const goLine = "1.26.0"

// mod is what `go mod edit -json` and `go work edit -json` print.
type mod struct {
	Module    struct{ Path string }
	Go        string
	Toolchain json.RawMessage
	Use       []struct{ DiskPath string }
	Require   []version
	Replace   []struct{ Old, New version }
	Exclude   []version

	folder string // slash-separated, below root
}

type version struct{ Path, Version string }

// Check reads go.work and every go.mod of the repository.
func Check(root string) ([]string, error) {
	files, err := repo.Files(root)
	if err != nil {
		return nil, err
	}
	var mods []mod
	for _, file := range files {
		if filepath.Base(file) != "go.mod" {
			continue
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		m, err := read(root, folder, "mod")
		if err != nil {
			return nil, err
		}
		mods = append(mods, m)
	}
	work, err := read(root, ".", "work")
	if err != nil {
		return nil, err
	}
	return check(work, mods), nil
}

func read(root, folder, kind string) (mod, error) {
	m := mod{folder: folder}
	out, err := repo.Output(filepath.Join(root, folder), "go", kind, "edit", "-json")
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

func check(work mod, mods []mod) (problems []string) {
	report := func(where, format string, args ...any) {
		problems = append(problems, where+": "+fmt.Sprintf(format, args...))
	}

	used := make(map[string]bool)
	for _, u := range work.Use {
		used[strings.TrimPrefix(u.DiskPath, "./")] = true
	}
	if work.Go != goLine {
		report("go.work", "says go %s, want %s", work.Go, goLine)
	}
	if len(work.Replace) > 0 {
		report("go.work", "replaces a module; replace it in each go.mod, so that one module alone builds too")
	}

	for _, m := range mods {
		where := m.folder + "/go.mod"
		if m.Go != goLine {
			report(where, "says go %s, want %s", m.Go, goLine)
		}
		if len(m.Toolchain) > 0 && string(m.Toolchain) != `null` {
			report(where, "has a toolchain line: whoever builds it would download a Go")
		}
		if len(m.Exclude) > 0 {
			report(where, "excludes a version: excludes do not travel to those who require it")
		}
		tool := strings.HasPrefix(m.folder, ".ci/")
		if want := repo.ModulePrefix + strings.TrimPrefix(m.folder, "."); m.Module.Path != want {
			report(where, "is module %s, want %s", m.Module.Path, want)
		}
		if used[m.folder] == tool {
			report(where, "module and go.work disagree: tools stay out of go.work, all else is in it")
		}
		problems = append(problems, siblings(m)...)
	}
	return append(problems, versions(mods)...)
}

// siblings checks how a module speaks of modules of this repository: required
// at v0.0.0 and replaced by their folder. A release strips the replace lines.
// A module that only another sibling requires needs its replace line as well.
func siblings(m mod) (problems []string) {
	replaced := make(map[string]bool)
	for _, r := range m.Replace {
		folder, ours := strings.CutPrefix(r.Old.Path, repo.ModulePrefix)
		want, _ := filepath.Rel(m.folder, folder)
		switch {
		case !ours:
			problems = append(problems, fmt.Sprintf("%s/go.mod: replaces %s, which is not ours: whoever requires this module gets the original", m.folder, r.Old.Path))
		case filepath.Clean(r.New.Path) != want:
			problems = append(problems, fmt.Sprintf("%s/go.mod: replaces %s by %s, want %s", m.folder, r.Old.Path, r.New.Path, want))
		}
		replaced[r.Old.Path] = true
	}
	for _, req := range m.Require {
		if strings.HasPrefix(req.Path, repo.ModulePrefix) && (req.Version != "v0.0.0" || !replaced[req.Path]) {
			problems = append(problems, fmt.Sprintf("%s/go.mod: requires %s %s, want v0.0.0 and a replace line", m.folder, req.Path, req.Version))
		}
	}
	return problems
}

// versions reports modules of others that two of ours require differently. The
// tools take part only with what they share with all: they choose versions by
// themselves, but the generator of a library must be of the library's version.
func versions(mods []mod) (problems []string) {
	const generated = "google.golang.org/protobuf"

	where := make(map[string]map[string][]string) // path, version, folders
	for _, m := range mods {
		for _, req := range m.Require {
			if strings.HasPrefix(req.Path, repo.ModulePrefix) {
				continue
			}
			if strings.HasPrefix(m.folder, ".ci/") && (req.Path != generated || m.folder != ".ci/tools/protoc") {
				continue
			}
			if where[req.Path] == nil {
				where[req.Path] = make(map[string][]string)
			}
			where[req.Path][req.Version] = append(where[req.Path][req.Version], m.folder)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(where)) {
		if len(where[path]) < 2 {
			continue
		}
		line := path + ": versions differ:"
		for _, v := range slices.Sorted(maps.Keys(where[path])) {
			line += fmt.Sprintf(" %s in %s;", v, strings.Join(where[path][v], ", "))
		}
		problems = append(problems, strings.TrimSuffix(line, ";"))
	}
	return problems
}
