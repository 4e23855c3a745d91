package node

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environment is the variables of a process.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := environment{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, "PARLEY_") {
			env[k] = v
		}
	}
	return env
}

// first returns the first of names that is set to something.
func (e environment) first(names []string) (name, value string, set bool) {
	for _, name := range names {
		if v := e[name]; v != "" {
			return name, v, true
		}
	}
	return names[0], "", false
}

// envNames is the variables that set a flag, the one that wins first.
func envNames(role, flag string, shared bool) []string {
	upper := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
	names := []string{"PARLEY_" + upper(role) + "_" + upper(flag)}
	if shared {
		names = append(names, "PARLEY_"+upper(flag))
	}
	return names
}

// setting is the value of one flag and where it is from.
type setting struct {
	flag *kong.Flag
	raw  []string // as written; several when a list was given piece by piece
	from string
}

func (s setting) String() string { return strings.Join(s.raw, ",") }

// load fills p from all sources and returns the settings in the order of the flags.
// It goes on after an error, so that everything wrong is reported at once.
func load(role string, p Program, args []string, env environment) (k *kong.Kong, settings []setting, err error) {
	vars := kong.Vars{}
	if v, ok := p.(Vars); ok {
		vars = kong.Vars(v.Vars())
	}
	k, err = kong.New(p, kong.Name("parley-"+role), kong.NoDefaultHelp(), vars)
	if err != nil {
		return nil, nil, fmt.Errorf("flags of %s: %w", role, err) // a mistake in the struct
	}
	given, errs := readArgs(k, args)

	file := &configFile{}
	if path := configPath(role, given, env); path != "" {
		var fileErrs []error
		if file, fileErrs = readFile(role, path, k); len(fileErrs) > 0 {
			errs = append(errs, fileErrs...)
		}
	}
	errs = append(errs, unknownVariables(role, k, env)...)

	for _, f := range k.Model.Flags {
		s := choose(role, f, given, env, file)
		if err := apply(s); err != nil {
			errs = append(errs, err)
			if f.HasDefault {
				_ = apply(setting{flag: f, raw: []string{f.Default}})
			}
		}
		settings = append(settings, s)
	}
	return k, settings, errors.Join(errs...)
}

// choose finds the source that wins.
func choose(role string, f *kong.Flag, given map[string][]string, env environment, file *configFile) setting {
	if raw, ok := given[f.Name]; ok {
		return setting{f, raw, "--" + f.Name}
	}
	if name, v, ok := env.first(envNames(role, f.Name, f.Tag.Has("shared"))); ok {
		return setting{f, []string{v}, name}
	}
	if v, ok := file.keys[f.Name]; ok {
		return setting{f, []string{v.value}, fmt.Sprintf("%s:%d", file.path, v.line)}
	}
	if f.HasDefault {
		return setting{f, []string{f.Default}, "default"}
	}
	return setting{f, nil, "default"}
}

var spacedCommas = regexp.MustCompile(`\s*,\s*`)

// apply parses a setting into the field of its flag.
func apply(s setting) error {
	f := s.flag
	f.Target.Set(reflect.Zero(f.Target.Type()))
	for _, raw := range s.raw {
		if f.IsSlice() || f.IsMap() {
			raw = spacedCommas.ReplaceAllString(strings.TrimSpace(raw), ",")
		}
		scan := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: raw})
		if err := f.Mapper.Decode(&kong.DecodeContext{Value: f.Value, Scan: scan}, f.Target); err != nil {
			f.Target.Set(reflect.Zero(f.Target.Type()))
			return fmt.Errorf("--%s: %w%s", f.Name, err, s.origin())
		}
		if f.Enum != "" && !slices.Contains(f.EnumSlice(), raw) {
			return fmt.Errorf("--%s: %q is none of %s%s", f.Name, raw, strings.Join(f.EnumSlice(), ", "), s.origin())
		}
	}
	return nil
}

// origin is what an error adds when the value is not from the command line.
func (s setting) origin() string {
	if s.from == "" || s.from == "--"+s.flag.Name {
		return ""
	}
	return " (from " + s.from + ")"
}

func configPath(role string, given map[string][]string, env environment) string {
	if raw := given["config"]; len(raw) > 0 {
		return raw[len(raw)-1]
	}
	_, path, _ := env.first(envNames(role, "config", true))
	return path
}

// unknownVariables reports variables that are of this role by their name and set
// nothing: misspelt ones.
func unknownVariables(role string, k *kong.Kong, env environment) (errs []error) {
	known := map[string]bool{}
	for _, f := range k.Model.Flags {
		known[envNames(role, f.Name, false)[0]] = true
	}
	known[envNames(role, "secret", false)[0]] = true
	for name := range env {
		if strings.HasPrefix(name, envNames(role, "", false)[0]) && !known[name] {
			errs = append(errs, fmt.Errorf("%s: there is no such variable", name))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

// split takes joined errors apart.
func split(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range j.Unwrap() {
			all = append(all, split(e)...)
		}
		return all
	}
	return []error{err}
}
