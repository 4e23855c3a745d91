// Package imports keeps what the compiler cannot: who may import whom, each
// with its reason (rules.go).
package imports

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// Check holds the modules of go.work at root against the rules.
func Check(root string) ([]string, error) {
	g, err := list(root)
	if err != nil {
		return nil, err
	}
	problems := g.check(slices.Concat(layers, rules))
	more, err := checkRequirements(root)
	if err != nil {
		return nil, err
	}
	problems = append(problems, more...)
	more, err = checkLayers(root)
	return append(problems, more...), err
}

// check returns one line for every import that breaks a rule. A rule that binds
// nobody is reported too: it is misspelt, or its package is gone.
func (g graph) check(all []rule) (problems []string) {
	var ours []*pkg
	for _, p := range g {
		if p.ours() {
			ours = append(ours, p)
		}
	}
	slices.SortFunc(ours, func(a, b *pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })

	for _, p := range ours {
		if p.Error != nil {
			problems = append(problems, fmt.Sprintf("%s: %s", short(p.ImportPath), p.Error.Err))
		}
	}
	for _, r := range all {
		bound := 0
		for _, p := range ours {
			if matches(r.about, p) {
				bound++
				problems = append(problems, g.breaches(r, p)...)
			}
		}
		if bound == 0 {
			problems = append(problems, fmt.Sprintf("rule about %q binds no package (%s)", r.about, r.reason))
		}
	}
	return problems
}

// breaches returns one line for every import of p that r does not allow.
func (g graph) breaches(r rule, p *pkg) (problems []string) {
	seen := make(map[string]bool)
	for _, path := range p.imported(r) {
		if seen[path] || path == p.ImportPath {
			continue
		}
		seen[path] = true
		other := g.find(path)
		if r.allow != "" && !matches(r.allow, other) || matches(r.forbid, other) {
			verb := "imports"
			if r.deep {
				verb = "compiles in"
			}
			problems = append(problems, fmt.Sprintf("%s %s %s: %s", short(p.ImportPath), verb, short(path), r.reason))
		}
	}
	return problems
}

// short writes a package of ours by its folder.
func short(path string) string { return strings.TrimPrefix(path, repo.ModulePrefix) }

// checkRequirements holds go.mod files against the table of the same name.
func checkRequirements(root string) (problems []string, err error) {
	for _, r := range requirements {
		out, err := repo.Output(filepath.Join(root, r.module), "go", "mod", "edit", "-json")
		if err != nil {
			return nil, err
		}
		var mod struct{ Require []struct{ Path string } }
		if err := json.Unmarshal(out, &mod); err != nil {
			return nil, err
		}
		for _, req := range mod.Require {
			if !matches(r.allow, &pkg{ImportPath: req.Path}) {
				problems = append(problems, fmt.Sprintf("%s/go.mod requires %s: %s", r.module, short(req.Path), r.reason))
			}
		}
	}
	return problems, nil
}

// checkLayers reports modules of go.work that no layer speaks of.
func checkLayers(root string) (problems []string, err error) {
	out, err := repo.Output(root, "go", "list", "-m")
	if err != nil {
		return nil, err
	}
	for module := range strings.FieldsSeq(string(out)) {
		bound := slices.ContainsFunc(layers, func(r rule) bool {
			return matches(r.about, &pkg{ImportPath: module})
		})
		if !bound {
			problems = append(problems, fmt.Sprintf("module %s has no row in layers (imports/rules.go): say what it may import, and why", short(module)))
		}
	}
	return problems, nil
}
