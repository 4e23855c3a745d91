package node

import "slices"

// reload reads the configuration again. What is tagged reload takes effect; of the
// rest that changed the log says that a restart is needed. A configuration that is
// not good changes nothing, nor does one that is not good together with what it
// cannot change: a listener that stays where it is must not lose its secret. It
// returns what is in effect from now on.
func (pr *process) reload(n *Node, old []setting) []setting {
	refuse := func(errs ...error) []setting {
		for _, err := range errs {
			n.log.Error("configuration not taken over", "err", err)
		}
		return old
	}
	next, settings, errs := pr.read()
	if len(errs) > 0 {
		return refuse(errs...)
	}
	c := next.common()
	var changed, restart []int
	wanted := slices.Clone(settings)
	for i, s := range settings {
		switch {
		case slices.Equal(s.raw, old[i].raw):
		case reloads(s, old[i]):
			changed = append(changed, i)
		default:
			restart = append(restart, i)
			settings[i] = setting{s.flag, old[i].raw, old[i].from}
			_ = apply(settings[i]) // it is what runs
		}
	}
	c.adopt(pr.role, pr.boot, c.secrets)
	for _, i := range restart {
		n.log.Warn("restart needed", "flag", wanted[i].flag.Name, "value", wanted[i].String(), "now", old[i].String())
	}
	if errs := validate(next); len(errs) > 0 {
		return refuse(errs...)
	}
	m, err := c.TLS.load("")
	if err != nil {
		return refuse(err)
	}
	for _, i := range changed {
		n.log.Info("setting changed", "flag", settings[i].flag.Name, "value", settings[i].String())
	}
	n.level.Set(parseLevel(c.LogLevel))
	n.certs.replace(m)
	pr.drainTimeout = c.DrainTimeout
	n.mu.Lock()
	hooks := slices.Clone(n.onReload)
	n.mu.Unlock()
	for _, f := range hooks {
		f(next)
	}
	n.log.Info("configuration read again", "changed", len(changed), "restart_needed", len(restart), "secrets", len(c.Secrets()))
	return settings
}

// reloads is whether a setting that changed takes effect on SIGHUP.
func reloads(s, old setting) bool {
	switch s.flag.Tag.Get("reload") {
	case "renew":
		return (s.String() == "") == (old.String() == "")
	default:
		return s.flag.Tag.Has("reload")
	}
}
