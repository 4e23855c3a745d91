package node

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// readArgs takes the command line apart: --name value, --name=value, --yes-or-no,
// --no-yes-or-no for what is negatable, -h. A list may be given piece by piece. It
// goes on after an error.
func readArgs(k *kong.Kong, args []string) (given map[string][]string, errs []error) {
	given = map[string][]string{}
	flags := map[string]*kong.Flag{}
	for _, f := range k.Model.Flags {
		flags["--"+f.Name] = f
		if f.Short != 0 {
			flags["-"+string(f.Short)] = f
		}
	}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, inline := strings.Cut(arg, "=")
		f := flags[name]
		if f == nil {
			if yes := flags["--"+strings.TrimPrefix(name, "--no-")]; !inline && strings.HasPrefix(name, "--no-") && yes != nil && yes.Tag.Negatable != "" {
				given[yes.Name] = []string{"false"}
				continue
			}
			if strings.HasPrefix(arg, "-") {
				errs = append(errs, fmt.Errorf("%s: there is no such flag", name))
				if !inline && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
					args = args[1:] // most likely its value
				}
			} else {
				errs = append(errs, fmt.Errorf("%q: only flags are expected", arg))
			}
			continue
		}
		switch {
		case inline:
		case f.IsBool():
			value = "true"
		case len(args) == 0 || strings.HasPrefix(args[0], "--"):
			errs = append(errs, fmt.Errorf("%s: a value is missing", name))
			continue
		default:
			value, args = args[0], args[1:]
		}
		if f.IsSlice() || f.IsMap() {
			given[f.Name] = append(given[f.Name], value)
		} else {
			given[f.Name] = []string{value} // the last one counts
		}
	}
	return given, errs
}
