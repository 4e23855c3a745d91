package worker

import (
	"fmt"
	"os"
	"strings"
)

// fileKey is a line of a configuration file.
type fileKey struct {
	value, place string
	own          bool // of this role alone: it wins
}

// readConfig reads lines of key = value. One file may serve all roles: a key of the form
// worker.key is for workers alone and wins, those of other roles are passed over.
func readConfig(path string, known func(key string) bool) (keys map[string]fileKey, errs []error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, []error{fmt.Errorf("config: %w", err)}
	}
	keys = make(map[string]fileKey)
	for i, text := range strings.Split(string(b), "\n") {
		place := fmt.Sprintf("%s:%d", path, i+1)
		if text = strings.TrimSpace(text); text == "" || text[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		role, rest, own := strings.Cut(key, ".")
		if own {
			if role != "worker" {
				continue
			}
			key = rest
		}
		before, twice := keys[key]
		switch {
		case !ok || key == "":
			errs = append(errs, fmt.Errorf("%s: want key = value", place))
		case !known(key):
			errs = append(errs, fmt.Errorf("%s: a worker has no key %q", place, key))
		case twice && before.own == own:
			errs = append(errs, fmt.Errorf("%s: %q is set again, after %s", place, key, before.place))
		case twice && before.own: // what is of workers alone came first and wins
		default:
			keys[key] = fileKey{value, place, own}
		}
	}
	return keys, errs
}
