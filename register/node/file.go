package node

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// configFile is the lines of a configuration file that concern one role.
type configFile struct {
	path string
	keys map[string]fileValue
}

type fileValue struct {
	value string
	line  int
	own   bool // of this role alone: it wins
}

// readFile reads lines of the form
//
//	# a remark
//	cluster = main
//	gateway.listen = 0.0.0.0:8282
//
// One file may serve all roles: keys of the form role.key concern that role. Keys
// without a role must be known to this one.
func readFile(role, path string, k *kong.Kong) (*configFile, []error) {
	f := &configFile{path: path, keys: map[string]fileValue{}}
	b, err := os.ReadFile(path)
	if err != nil {
		return f, []error{fmt.Errorf("--config: %w", err)}
	}
	known := map[string]bool{}
	for _, flag := range k.Model.Flags {
		known[flag.Name] = flag.Name != "config" && !onlySays(flag)
	}
	var errs []error
	bad := func(line int, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", path, line, fmt.Sprintf(format, args...)))
	}
	for i, text := range strings.Split(string(b), "\n") {
		line := i + 1
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || key == "" {
			bad(line, "want key = value")
			continue
		}
		owner, rest, own := strings.Cut(key, ".")
		if own {
			if owner != role {
				continue
			}
			key = rest
		}
		before, twice := f.keys[key]
		switch {
		case !known[key]:
			bad(line, "%s has no key %q", role, key)
		case twice && before.own == own:
			bad(line, "%q is set again, after line %d", key, before.line)
		case twice && before.own: // what is of this role alone came first and wins
		default:
			f.keys[key] = fileValue{value, line, own}
		}
	}
	return f, errs
}
