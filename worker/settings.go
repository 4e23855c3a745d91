package worker

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
)

// settings is what Main is told from outside.
type settings struct {
	Config
	files tlsFiles
	args  []string
	env   func(string) string
	ops   string
	check bool
	level slog.LevelVar
	given map[string]string // every flag's value, by name
	own   []*flag.Flag      // those of the Handler
}

// parse reads flags, where one is not given the environment, and where that says nothing
// the configuration file. flagged, unless it is nil, adds flags of its own. It reports
// everything wrong at once.
func parse(flagged Flagged, args []string, env func(string) string, out io.Writer) (*settings, error) {
	s := &settings{args: args, env: env}
	var config, registers, labels, level, format string
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are reported by our caller, with the others
	fs.StringVar(&config, "config", "", "`file` with lines of key = value: the names of these flags; worker.key is for workers alone")
	fs.StringVar(&registers, "register", DefaultRegister, "addresses of all registers, `host:port` with commas between")
	fs.StringVar(&s.Cluster, "cluster", DefaultCluster, "`name` of the cluster; processes of different clusters refuse each other")
	fs.StringVar(&s.Node, "name", "", "`name` of this process, unique within its role (default: host name and process id)")
	fs.StringVar(&labels, "label", "", "facts about this process, for a router that picks workers: `key=value` with commas between")
	fs.StringVar(&s.files.secrets, "secret-file", "", "`file` with the secrets of the cluster, the current one first, separated by white space; or set PARLEY_SECRET")
	fs.StringVar(&s.files.cert, "tls-cert", "", "`file` with the certificate to show to registers and gateways, PEM")
	fs.StringVar(&s.files.key, "tls-key", "", "`file` with its key, PEM")
	fs.StringVar(&s.files.ca, "tls-ca", "", "`file` with the authorities that registers and gateways are checked against, PEM; turns TLS on")
	fs.DurationVar(&s.HandlerTimeout, "handler-timeout", DefaultHandlerTimeout, "`time` until the context of a handler ends")
	fs.DurationVar(&s.DrainTimeout, "drain-timeout", DefaultDrainTimeout, "`time` until conns that are not given back are left behind")
	fs.IntVar(&s.MaxHandlers, "max-handlers", 0, "`number` of handlers that run at once; 0: no bound")
	fs.IntVar(&s.KnownConns, "known-conns", DefaultKnownConns, "`number` of conns above which their state is forgotten between events")
	fs.IntVar(&s.RetainBytes, "retain-bytes", DefaultRetainBytes, "`bytes` that wait for one gateway before sends wait too")
	fs.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	fs.StringVar(&format, "log-format", "auto", "json, text, or auto: text on a terminal")
	fs.StringVar(&s.ops, "ops-listen", "127.0.0.1:0", "`host:port` where /healthz, /readyz, /metrics and /debug/pprof are served; port 0: a free one, see the log; off: nowhere")
	fs.BoolVar(&s.check, "check", false, "say what is wrong with the configuration, and exit")

	if flagged != nil {
		known := make(map[string]bool)
		fs.VisitAll(func(f *flag.Flag) { known[f.Name] = true })
		flagged.Flags(fs)
		fs.VisitAll(func(f *flag.Flag) {
			if !known[f.Name] {
				s.own = append(s.own, f)
			}
		})
	}
	for alias, name := range aliases {
		f := fs.Lookup(name)
		fs.Var(f.Value, alias, "")
	}
	fs.Usage = func() {}
	errs, err := readFlags(fs, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		help(fs, out)
		return nil, errHelp
	}
	errs = append(errs, s.fill(fs, &config)...)
	s.Registers = list(registers)
	if s.Labels, err = pairs(labels); err != nil {
		errs = append(errs, fmt.Errorf("label: %w", err))
	}
	secrets, noSecrets := s.readSecrets()
	files, noTLS := s.files.config()
	errs = append(errs, noSecrets, noTLS)
	s.Secrets, s.TLS = secrets, files
	or(&s.Node, defaultNode())
	s.Build = build()
	if s.Log, err = logger(&s.level, level, format, out); err != nil {
		errs = append(errs, err)
	} else {
		s.Log = s.Log.With("role", "worker", "node", s.Node)
	}
	c := s.Config
	if noSecrets != nil || noTLS != nil {
		c.Secrets = []string{"unknown"} // what is missing only because of that is no second mistake
	}
	errs = append(errs, c.Validate())
	return s, errors.Join(errs...)
}
