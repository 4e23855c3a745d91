package node

import (
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// onlySays is whether a flag makes the process say something and end.
func onlySays(f *kong.Flag) bool {
	return f.Group != nil && f.Group.Key == "Only say something"
}

// printHelp lists the flags, with their variables.
func printHelp(w io.Writer, role string, k *kong.Kong) error {
	ctx, err := kong.Trace(k, nil)
	if err != nil {
		return err
	}
	ctx.Stdout = w
	return kong.DefaultHelpPrinter(kong.HelpOptions{ValueFormatter: func(v *kong.Value) string {
		if v.Flag == nil || onlySays(v.Flag) {
			return v.Help
		}
		names := envNames(role, v.Name, v.Tag.Has("shared"))
		text := v.Help + " ($" + names[len(names)-1]
		if v.Tag.Has("reload") {
			text += "; changes on SIGHUP"
		}
		return text + ")"
	}}, ctx)
}

// printSettings says what is set and from where, in the form of a configuration file.
func printSettings(w io.Writer, role string, c *Config, settings []setting) {
	fmt.Fprintf(w, "# The configuration of this %s is good. Secrets: %d.\n", role, len(c.secrets))
	for _, s := range settings {
		if onlySays(s.flag) || s.flag.Name == "config" {
			continue
		}
		line := fmt.Sprintf("%s = %s", s.flag.Name, withoutPasswords(s.String()))
		if len(s.raw) == 0 {
			line = "# " + s.flag.Name + " ="
		}
		fmt.Fprintf(w, "%-48s # %s\n", strings.TrimRight(line, " "), s.from)
	}
}

// password is what stands between the user and the host of a URL.
var password = regexp.MustCompile(`(://[^\s/@:,]*):[^\s/,]*@`)

// withoutPasswords hides the passwords of the URLs in a setting.
func withoutPasswords(setting string) string { return password.ReplaceAllString(setting, "$1:…@") }

// printWrong says everything that is wrong with a configuration.
func printWrong(w io.Writer, role string, errs []error) {
	if len(errs) == 1 {
		fmt.Fprintf(w, "%s: %v\n", role, errs[0])
		return
	}
	fmt.Fprintf(w, "%s: %d things are wrong with the configuration:\n", role, len(errs))
	for _, err := range errs {
		fmt.Fprintf(w, "  %v\n", err)
	}
}

// Build names the build of this program: its version, or the commit it was built of.
func Build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+"
			}
		}
	}
	if revision == "" {
		return "devel"
	}
	return revision + dirty
}
