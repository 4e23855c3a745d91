package worker

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// errHelp says that the help was asked for, and written.
var errHelp = errors.New("help")

// variables names those of a flag, the one that wins first: PARLEY_WORKER_LOG_LEVEL
// is for workers, PARLEY_LOG_LEVEL for all roles.
func variables(flag string) []string {
	name := strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	return []string{"PARLEY_WORKER_" + name, "PARLEY_" + name}
}

// lookup returns the variable of a flag that is set, and its value.
func (s *settings) lookup(flag string) (name, value string) {
	for _, name := range variables(flag) {
		if v := s.env(name); v != "" {
			return name, v
		}
	}
	return "", ""
}

// Names that the fields of Config have, for flags that other roles call otherwise.
var aliases = map[string]string{"registers": "register", "node": "name", "labels": "label", "ops": "ops-listen"}

// readFlags sets what args say. It goes on after a mistake; only [flag.ErrHelp] ends it.
func readFlags(fs *flag.FlagSet, args []string) (errs []error, help error) {
	for len(args) > 0 {
		err := fs.Parse(args)
		rest := fs.Args()
		switch {
		case errors.Is(err, flag.ErrHelp):
			return nil, err
		case err != nil && len(errs) > 0 && errs[len(errs)-1].Error() == err.Error(): // see below
		case err != nil:
			errs = append(errs, err)
		case len(rest) > 0:
			errs = append(errs, fmt.Errorf("%q is not a flag", rest[0]))
			rest = rest[1:]
		}
		if len(rest) == len(args) {
			rest = rest[1:] // such as "---": it is left where it is, and met again
		}
		args = rest
	}
	return errs, nil
}

// fill sets the flags that were not given, from the environment and the file config.
func (s *settings) fill(fs *flag.FlagSet, config *string) (errs []error) {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) {
		name := f.Name
		if canonical, ok := aliases[name]; ok {
			name = canonical
		}
		given[name] = true
	})
	set := func(name, value, place string) {
		given[name] = true
		if err := fs.Set(name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", place, err))
		}
	}
	own := func(name string) bool { return fs.Lookup(name) != nil && aliases[name] == "" }
	fs.VisitAll(func(f *flag.Flag) {
		if variable, v := s.lookup(f.Name); variable != "" && own(f.Name) && !given[f.Name] {
			set(f.Name, v, variable)
		}
	})
	keys, wrong := readConfig(*config, func(key string) bool { return own(key) && key != "config" && key != "check" })
	errs = append(errs, wrong...)
	for name, key := range keys {
		if !given[name] {
			set(name, key.value, key.place)
		}
	}
	s.given = make(map[string]string)
	fs.VisitAll(func(f *flag.Flag) {
		if own(f.Name) {
			s.given[f.Name] = f.Value.String()
		}
	})
	return errs
}

// help lists the flags, without their aliases.
func help(fs *flag.FlagSet, out io.Writer) {
	fmt.Fprintf(out, "usage: %s [flags]\n\nEach flag has a variable: --log-level is %s; and a key in the file of --config.\nA flag wins over the variable, that over the file.\n\n", fs.Name(), strings.Join(variables("log-level"), " or "))
	fs.VisitAll(func(f *flag.Flag) {
		if _, alias := aliases[f.Name]; alias {
			return
		}
		what, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(out, "  --%s %s\n    \t%s", f.Name, what, usage)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(out, " (default %s)", f.DefValue)
		}
		if reloadable[f.Name] {
			fmt.Fprint(out, "; changes on SIGHUP")
		}
		fmt.Fprintln(out)
	})
}
