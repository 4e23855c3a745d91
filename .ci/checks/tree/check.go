// Package tree checks every file of the repository for things that belong to
// one machine and not to the project.
package tree

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/parley-im/parley/ci/checks/repo"
)

// maxBytes is the largest file that belongs into the repository.
const maxBytes = 1 << 20

// A trace is something that only makes sense on the machine it was written on.
type trace struct {
	pattern *regexp.Regexp
	reason  string
}

// The patterns are written so that they do not match themselves.
var traces = []trace{
	{
		// An absolute path below a folder that people and build machines work in.
		regexp.MustCompile(`(?:^|[\s"'=(:,\x60\[])/(?:root|home|Users|work|workspace|builds?|tmp)/[\w.-]`),
		"a path of one machine: make it relative, or take a temporary folder from the system",
	},
	{
		regexp.MustCompile(`(?i)\bregistry\.[\w.-]+\.\w+/|\bnpm` + `mirror\b|"resolved"\s*:\s*"http|\bgoproxy\.\w|\bproxy\.golang\.` + `org\b`),
		"a registry or proxy host: everyone's own settings choose it",
	},
	{
		regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE ` + `KEY-----|_auth` + `Token`),
		"a credential: tests make their own while they run",
	},
	{
		regexp.MustCompile(`^(?:<{7}|>{7}|={7})(?: |$)`),
		"a conflict nobody resolved",
	},
}

// allowed are places where a trace is right, with the reason.
var allowed = map[string]string{}

// Check reads every file that is or would be committed.
func Check(root string) (problems []string, err error) {
	files, err := repo.Files(root)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		body, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		problems = append(problems, inspect(name, body)...)
	}
	return problems, nil
}

// inspect returns what is wrong with one file.
func inspect(name string, body []byte) (problems []string) {
	if len(body) > maxBytes {
		problems = append(problems, fmt.Sprintf("%s: %d bytes: files above %d do not belong here", name, len(body), maxBytes))
	}
	if bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body) {
		return problems // pictures, fuzz corpora
	}
	number := 0
	for line := range strings.Lines(string(body)) {
		number++
		line = strings.TrimRight(line, "\r\n")
		for _, t := range traces {
			if found := t.pattern.FindString(line); found != "" && allowed[name] == "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %q: %s", name, number, strings.TrimSpace(found), t.reason))
			}
		}
	}
	return problems
}
