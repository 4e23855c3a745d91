package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// pkg is what the go command knows of a package.
type pkg struct {
	ImportPath   string
	Name         string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string // everything compiled in
	Error        *struct{ Err string }
}

func (p *pkg) ours() bool { return strings.HasPrefix(p.ImportPath, repo.ModulePrefix) }

// imported is the list that rule r looks at.
func (p *pkg) imported(r rule) []string {
	if r.deep {
		return p.Deps
	}
	if !r.tests {
		return p.Imports
	}
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

// graph holds all packages of the modules of go.work and all they import.
type graph map[string]*pkg

// find returns what is known of path. What only tests import was not listed:
// its first element tells whether it is of the standard library.
func (g graph) find(path string) *pkg {
	if p := g[path]; p != nil {
		return p
	}
	first, _, _ := strings.Cut(path, "/")
	return &pkg{ImportPath: path, Standard: !strings.Contains(first, ".")}
}

// list asks the go command.
func list(root string) (graph, error) {
	out, err := repo.Output(root, "go", "list", "-e", "-deps",
		"-json=ImportPath,Name,Standard,Imports,TestImports,XTestImports,Deps,Error", "work")
	if err != nil {
		return nil, err
	}
	g := make(graph)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(pkg)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, err
		}
		g[p.ImportPath] = p
	}
}
