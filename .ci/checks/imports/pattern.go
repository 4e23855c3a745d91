package imports

import (
	"path"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// matches tells whether the list of patterns matches p; the last pattern that
// says anything about p decides.
func matches(list string, p *pkg) bool {
	match := false
	for pattern := range strings.FieldsSeq(list) {
		pattern, not := strings.CutPrefix(pattern, "!")
		if matchOne(pattern, p) {
			match = !not
		}
	}
	return match
}

func matchOne(pattern string, p *pkg) bool {
	switch pattern {
	case "std":
		return p.Standard
	case "ext":
		return !p.Standard && !p.ours()
	case "main":
		return p.Name == "main"
	case "testkit":
		return strings.HasSuffix(path.Base(p.ImportPath), "test")
	}
	return matchPath(pattern, p.ImportPath)
}

// matchPath matches a path as the go command does: x/... is x and all below.
func matchPath(pattern, importPath string) bool {
	if rest, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = repo.ModulePrefix + rest
	}
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		prefix = strings.TrimSuffix(prefix, "/")
		return importPath == prefix || strings.HasPrefix(importPath, prefix+"/")
	}
	return importPath == pattern
}
