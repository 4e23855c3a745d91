package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
)

// defaultPackage is the one whose names may stand without it: Sender.ToUser.
const defaultPackage = "worker"

// goNames are the exported names of the packages that others may import, as pages write
// them: worker.Await, connid.ID, Sender.ToUser, Config.Secrets; and the names of all tests.
type goNames struct {
	names  map[string]bool
	tests  map[string]bool
	embeds map[string][]string // what types have embedded of their own package
}

func readGo(root string, files []string) (*goNames, error) {
	g := &goNames{names: map[string]bool{}, tests: map[string]bool{}, embeds: map[string][]string{}}
	for _, name := range files {
		if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") || strings.HasPrefix(name, ".ci/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		switch {
		case strings.HasSuffix(name, "_test.go"):
			g.addTests(file)
		case !strings.Contains(name, "internal/") && file.Name.Name != "main":
			g.add(file)
		}
	}
	g.promote()
	return g, nil
}

// promote gives types the names of what they embed.
func (g *goNames) promote() {
	for outer, inner := range g.embeds {
		for _, of := range inner {
			for name := range g.names {
				if rest, ok := strings.CutPrefix(name, of+"."); ok {
					g.names[outer+"."+rest] = true
				}
			}
		}
	}
}

func (g *goNames) addTests(file *ast.File) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			for _, kind := range []string{"Test", "Fuzz", "Benchmark", "Example"} {
				if strings.HasPrefix(f.Name.Name, kind) {
					g.tests[f.Name.Name] = true
				}
			}
		}
	}
}

func (g *goNames) add(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				g.note(file, d.Name)
			} else if on := receiver(d.Recv.List[0].Type); ast.IsExported(on) {
				g.note(file, ast.NewIdent(on), d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				g.addSpec(file, s)
			}
		}
	}
}

func (g *goNames) addSpec(file *ast.File, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range s.Names {
			g.note(file, name)
		}
	case *ast.TypeSpec:
		g.note(file, s.Name)
		var fields *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			fields = t.Fields
		case *ast.InterfaceType:
			fields = t.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, name := range f.Names {
				g.note(file, s.Name, name)
			}
			if inner := receiver(f.Type); f.Names == nil && inner != "" {
				outer, of := file.Name.Name+"."+s.Name.Name, file.Name.Name+"."+inner
				g.embeds[outer] = append(g.embeds[outer], of)
				if file.Name.Name == defaultPackage {
					g.embeds[s.Name.Name] = append(g.embeds[s.Name.Name], of)
				}
			}
		}
	}
}

// note adds a name with its package, and of the default package without it.
func (g *goNames) note(file *ast.File, parts ...*ast.Ident) {
	var dotted []string
	for _, p := range parts {
		if !p.IsExported() {
			return
		}
		dotted = append(dotted, p.Name)
	}
	name := strings.Join(dotted, ".")
	g.names[file.Name.Name+"."+name] = true
	if file.Name.Name == defaultPackage {
		g.names[name] = true
	}
}

// receiver is the type of a method.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
