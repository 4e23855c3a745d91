package worker

import (
	"io"
	"slices"
	"strings"
)

// reloadable are the flags that take effect on SIGHUP. Files of TLS are read anew, but
// there must have been one.
var reloadable = map[string]bool{
	"secret-file": true, "tls-cert": true, "tls-key": true, "tls-ca": true, "log-level": true, "drain-timeout": true,
	"handler-timeout": true, "max-handlers": true, "known-conns": true, "retain-bytes": true,
}

// reloads reports whether a flag that had one value takes effect with the next.
func reloads(name, old, next string) bool {
	if strings.HasPrefix(name, "tls-") {
		return (old == "") == (next == "")
	}
	return reloadable[name]
}

// reload reads everything again and lets take effect what may change while the worker
// runs; restart names what was changed besides. What is read must be good, by itself and
// together with what stays as it is; with an error nothing is changed.
func (s *settings) reload(w *Worker) (restart []string, err error) {
	next, err := parse(unheard(s.own), s.args, s.env, io.Discard)
	if err != nil {
		return nil, err
	}
	for name, value := range next.given {
		if s.isOwn(name) {
			continue // the Handler has read it, and nobody knows what it made of it
		}
		if old := s.given[name]; old != value && !reloads(name, old, value) {
			restart = append(restart, name)
		}
	}
	slices.Sort(restart)
	stays := s.Config
	stays.Secrets = next.Secrets
	if err := stays.Validate(); err != nil {
		return nil, err
	}
	s.files.adopt(&next.files)
	s.level.Set(next.level.Level())
	w.setLimits(next.withDefaults())
	w.SetSecrets(next.Secrets)
	return restart, nil
}

// setLimits changes what may be changed while the worker runs.
func (w *Worker) setLimits(c Config) {
	w.drainTimeout.Store(int64(c.DrainTimeout))
	w.knownConns.Store(int64(c.KnownConns))
	w.crew.SetLimits(c.HandlerTimeout, c.MaxHandlers)
	w.mesh.SetRetain(c.RetainBytes)
}
