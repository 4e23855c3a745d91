// Command checks holds the checks of .ci/run that no ready tool makes. Each
// prints what is wrong, one line each, and exits with 1 if there was anything.
//
//	.ci/check imports                     who may import whom
//	.ci/check modules                     what the go.mod files must agree on
//	.ci/check readme                      README.md and README.zh-CN.md stay equal
//	.ci/check docs                        links of all pages lead somewhere, names in docs/from-*.md exist
//	.ci/check commands                    commands in the pages work
//	.ci/check tree                        nothing of one machine is in the tree
//
// The others read what go test -json prints:
//
//	.ci/check progress                    shows it as it comes
//	.ci/check skipped                     lists the tests that skipped themselves
//	.ci/check testlog                     nothing failed, nothing was skipped
//	.ci/check targets                     lists fuzz targets, for .ci/fuzz
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/parley-im/parley/ci/checks/docs"
	"github.com/parley-im/parley/ci/checks/imports"
	"github.com/parley-im/parley/ci/checks/modules"
	"github.com/parley-im/parley/ci/checks/repo"
	"github.com/parley-im/parley/ci/checks/testlog"
	"github.com/parley-im/parley/ci/checks/tree"
)

// check looks at the repository at root and says what is wrong with it.
type check func(root string) (problems []string, err error)

var checks = map[string]check{
	"imports":  imports.Check,
	"modules":  modules.Check,
	"readme":   docs.CheckReadme,
	"docs":     docs.CheckPages,
	"commands": docs.RunCommands,
	"tree":     tree.Check,
	"testlog": func(string) ([]string, error) {
		return testlog.Check(os.Stdin, os.Stdout)
	},
	"progress": func(string) ([]string, error) {
		return nil, testlog.Progress(os.Stdin, os.Stdout)
	},
	"skipped": func(string) ([]string, error) {
		return nil, testlog.PrintSkipped(os.Stdin, os.Stdout)
	},
	"targets": func(string) ([]string, error) {
		return nil, testlog.PrintTargets(os.Stdin, os.Stdout)
	},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 || checks[args[0]] == nil {
		return fmt.Errorf("usage: checks %s", strings.Join(slices.Sorted(maps.Keys(checks)), "|"))
	}
	root, err := repo.Root()
	if err != nil {
		return err
	}
	problems, err := checks[args[0]](root)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s: %d problem(s)", args[0], len(problems))
	}
	return nil
}
