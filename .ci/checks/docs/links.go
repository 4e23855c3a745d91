package docs

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// CheckLinks reports links within the repository that lead nowhere, and
// commands that name a make target there is not.
func CheckLinks(root string) (problems []string, err error) {
	pages, err := readAll(root)
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		for _, l := range p.links {
			if why := broken(root, pages, p, l.target); why != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", p.path, l.line, l.target, why))
			}
		}
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		problems = append(problems, checkTargets(p, string(makefile))...)
	}
	return problems, nil
}

// readAll parses every page of the repository, by path.
func readAll(root string) (map[string]*page, error) {
	files, err := repo.Files(root)
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*page)
	for _, name := range files {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		pages[name] = parse(name, string(text))
	}
	return pages, nil
}

// broken says why a link of page from leads nowhere; empty: it does not, or it
// leaves the repository.
func broken(root string, pages map[string]*page, from *page, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "not a link"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	if strings.HasPrefix(u.Path, "/") {
		return "starts at the root of a site: write it relative to the page"
	}
	name := from.path
	if u.Path != "" {
		name = path.Join(path.Dir(from.path), u.Path)
		if name == ".." || strings.HasPrefix(name, "../") {
			return "leaves the repository"
		}
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			return "no such file"
		}
	}
	to := pages[name]
	if u.Fragment == "" || to == nil {
		return ""
	}
	for _, h := range to.headings {
		if anchor(h.text) == strings.ToLower(u.Fragment) {
			return ""
		}
	}
	return "no such heading"
}

var makeCommand = regexp.MustCompile(`(?:^|[;&|] *|\$ )(?:\w+=\S+ )*make +([a-z][a-z-]*)`)

// checkTargets reports `make x` in the commands of a page for which there is no
// target x.
func checkTargets(p *page, makefile string) (problems []string) {
	for _, f := range p.fences {
		if language, _, _ := strings.Cut(f.info, " "); language != "sh" {
			continue
		}
		for i, line := range f.code {
			for _, m := range makeCommand.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(makefile, "\n"+m[1]+":") {
					problems = append(problems, fmt.Sprintf("%s:%d: make %s: no such target", p.path, f.line+1+i, m[1]))
				}
			}
		}
	}
	return problems
}
