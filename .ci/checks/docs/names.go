package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-im/parley/ci/checks/repo"
)

// ours is the header of the columns whose names are ours, in the pages that say where
// something known from elsewhere is here (docs/from-*.md). Each code span in them must be
// the name of something that is there:
//
//	Sender.ToUser, worker.Await, fault.CloseKicked Go; what is of package worker needs no package
//	TestWhatHolds                                  a test, of any module
//	--ping-interval, parley-api --files            a flag, as operating.md has it
//	parley_gateway_conns                           a metric, as operating.md has it
//	PARLEY_SECRET                                  a variable that operating.md names
//	parleyctl kick                                 a program of ours and its command
//	POST /v1/sendMessage                           a route, as the code or operating.md has it
//	PushService.Send, PushService                  a service of the protos, and its calls
//	make run                                       a target
//	docs/operating.md, worker/rpc                  a file or folder
const ours = "here"

// CheckPages makes all static checks of the pages.
func CheckPages(root string) ([]string, error) {
	problems, err := CheckLinks(root)
	if err != nil {
		return nil, err
	}
	names, err := CheckNames(root)
	return append(problems, names...), err
}

// CheckNames reports names in the pages docs/from-*.md that nothing bears, and tests that
// any page names and nobody has written.
func CheckNames(root string) (problems []string, err error) {
	files, err := repo.Files(root)
	if err != nil {
		return nil, err
	}
	there, err := readNames(root, files)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if path.Ext(name) != ".md" || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		problems = append(problems, there.checkTests(name, string(text))...)
		if is, _ := path.Match("docs/from-*.md", name); is {
			problems = append(problems, there.check(name, string(text))...)
		}
	}
	return problems, nil
}

// checkTests looks at the tests that a page names, wherever it does.
func (n *names) checkTests(page, text string) (problems []string) {
	line := 0
	for l := range strings.Lines(text) {
		line++
		for _, span := range codeSpan.FindAllString(l, -1) {
			if name := strings.Trim(span, "`"); testSpan.MatchString(name) && !n.source.tests[name] {
				problems = append(problems, fmt.Sprintf("%s:%d: %s: no such test", page, line, span))
			}
		}
	}
	return problems
}

// check looks at the tables of one page.
func (n *names) check(page, text string) (problems []string) {
	found := false
	for _, t := range tables(text) {
		column := slices.Index(t.header, ours)
		if column < 0 {
			continue
		}
		found = true
		for _, r := range t.rows {
			if len(r.cells) != len(t.header) {
				problems = append(problems, fmt.Sprintf("%s:%d: %d cells under %d headings", page, r.line, len(r.cells), len(t.header)))
				continue
			}
			for _, span := range codeSpan.FindAllString(r.cells[column], -1) {
				name := strings.Trim(span, "`")
				if testSpan.MatchString(name) {
					continue // see checkTests
				}
				if why := n.missing(name); why != "" {
					problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", page, r.line, span, why))
				}
			}
		}
	}
	if !found {
		problems = append(problems, fmt.Sprintf("%s: no table has a column %q", page, ours))
	}
	return problems
}

// names is what can be named.
type names struct {
	root      string
	source    *goNames
	operating string            // the page
	metrics   map[string]bool   // in full
	rpcs      map[string]bool   // PushService, PushService.Send
	commands  map[string]string // the source of each program, by name
	routes    string            // the source of what serves HTTP
	makefile  string
}

func readNames(root string, files []string) (_ *names, err error) {
	n := &names{root: root, rpcs: map[string]bool{}, commands: map[string]string{}}
	if n.source, err = readGo(root, files); err != nil {
		return nil, err
	}
	for _, name := range files {
		code := path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
		program := programFile.FindStringSubmatch(name)
		if !code {
			program = nil
		}
		proto := path.Ext(name) == ".proto"
		served := code && strings.HasPrefix(name, "api/") || name == "api/openapi/openapi.json"
		special := name == "docs/operating.md" || name == "Makefile"
		if program == nil && !proto && !served && !special {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		text := string(b)
		if program != nil {
			n.commands[program[1]] += text
		}
		if proto {
			n.addServices(text)
		}
		if served {
			n.routes += text
		}
		switch name {
		case "docs/operating.md":
			n.operating = text
			n.metrics = metricsOf(text)
		case "Makefile":
			n.makefile = "\n" + text
		}
	}
	return n, nil
}

var programFile = regexp.MustCompile(`(?:^|/)cmd/(parley[a-z-]*)/[^/]*$`)

var (
	goSpan      = regexp.MustCompile(`^(?:[a-z][a-z0-9]*\.)?[A-Z]\w*(?:\.[A-Z]\w*)?$`)
	testSpan    = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark|Example)[A-Z]\w*$`)
	flagSpan    = regexp.MustCompile(`^(?:(parley[a-z-]*) )?(--[a-z][a-z0-9-]*)$`)
	metricSpan  = regexp.MustCompile(`^(parley_\w+)(?:\{[a-z,]+\})?$`)
	varSpan     = regexp.MustCompile(`^PARLEY_[A-Z_]+$`)
	commandSpan = regexp.MustCompile(`^(parley[a-z-]*)((?: [a-z]+)*)$`)
	routeSpan   = regexp.MustCompile(`^(?:GET|POST|PUT|DELETE) (/\S*)$`)
	makeSpan    = regexp.MustCompile(`^make ([a-z-]+)$`)
	fileSpan    = regexp.MustCompile(`^[\w.-]+(?:/[\w.-]+)+/?$`)
)

// missing says what a span should name and nothing does; empty: it is there.
func (n *names) missing(span string) string {
	switch {
	case testSpan.MatchString(span):
		return unless(n.source.tests[span], "no such test")
	case varSpan.MatchString(span):
		return unless(strings.Contains(n.operating, "`"+span+"`"), "operating.md has no such variable")
	case goSpan.MatchString(span):
		return unless(n.source.names[span] || n.rpcs[span], "no such name in Go or in the protos")
	case flagSpan.MatchString(span):
		m := flagSpan.FindStringSubmatch(span)
		return unless(n.hasFlag(m[1], m[2]), "operating.md has no such flag")
	case metricSpan.MatchString(span):
		return unless(n.metrics[metricSpan.FindStringSubmatch(span)[1]], "operating.md has no such metric")
	case commandSpan.MatchString(span):
		m := commandSpan.FindStringSubmatch(span)
		return unless(n.hasCommand(m[1], strings.Fields(m[2])), "no such program, or it has no such command")
	case routeSpan.MatchString(span):
		to := routeSpan.FindStringSubmatch(span)[1]
		return unless(n.hasRoute(to), "no such route")
	case makeSpan.MatchString(span):
		return unless(strings.Contains(n.makefile, "\n"+makeSpan.FindStringSubmatch(span)[1]+":"), "no such target")
	case fileSpan.MatchString(span):
		_, err := os.Stat(filepath.Join(n.root, filepath.FromSlash(span)))
		return unless(err == nil, "no such file")
	}
	return "no kind of name that is known: see .ci/checks/docs/names.go"
}

func unless(there bool, why string) string {
	if there {
		return ""
	}
	return why
}

// hasRoute looks for a call of a service, which its proto alone makes a route, and for what
// has a route of its own.
func (n *names) hasRoute(to string) bool {
	for prefix, service := range map[string]string{"/push/v1/": "PushService", "/v1/": "ChatService"} {
		if call, ok := strings.CutPrefix(to, prefix); ok && call != "" && n.rpcs[service+"."+strings.ToUpper(call[:1])+call[1:]] {
			return true
		}
	}
	return strings.Contains(n.routes, `"`+to+`"`) || strings.Contains(n.routes, to+`"`) || strings.Contains(n.operating, "`"+to+"`")
}

// hasFlag looks a flag up where operating.md has those of a program, or of all.
func (n *names) hasFlag(program, flag string) bool {
	in := n.operating
	if program != "" {
		_, in, _ = strings.Cut(in, "\n### "+program+"\n")
		in, _, _ = strings.Cut(in, "\n## ")
		in, _, _ = strings.Cut(in, "\n### ")
	}
	for line := range strings.Lines(in) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		if strings.HasPrefix(line, "|") && strings.Contains(first, "`"+flag+"`") {
			return true
		}
	}
	return false
}

// hasCommand looks for the words in the source of a program, as a tag or a string.
func (n *names) hasCommand(program string, words []string) bool {
	source, ok := n.commands[program]
	for _, word := range words {
		title := strings.ToUpper(word[:1]) + word[1:]
		ok = ok && regexp.MustCompile(`"`+word+`"|name:"`+word+`"|\b`+title+` +\w+ +`+"`[^`]*cmd:").MatchString(source)
	}
	return ok
}

var (
	service = regexp.MustCompile(`(?ms)^service (\w+) \{(.*?)^\}`)
	rpc     = regexp.MustCompile(`(?m)^\s*rpc (\w+)`)
)

func (n *names) addServices(proto string) {
	for _, s := range service.FindAllStringSubmatch(proto, -1) {
		n.rpcs[s[1]] = true
		for _, r := range rpc.FindAllStringSubmatch(s[2], -1) {
			n.rpcs[s[1]+"."+r[1]] = true
		}
	}
}

// metricsOf returns the metrics that operating.md lists. In a cell the first is written in
// full, and of those that follow what comes after parley_ROLE.
func metricsOf(operating string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(operating) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		prefix := ""
		for _, span := range codeSpan.FindAllString(first, -1) {
			name, _, _ := strings.Cut(strings.Trim(span, "`"), "{")
			switch {
			case strings.HasPrefix(name, "parley_"):
				prefix = strings.Join(strings.SplitN(name, "_", 3)[:2], "_")
			case strings.HasPrefix(name, "_") && prefix != "":
				name = prefix + name
			default:
				continue
			}
			all[name] = true
		}
	}
	return all
}
