package register

import (
	"errors"
	"fmt"
	"maps"
	"time"
	"unicode"
	"unicode/utf8"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

// Member is one process life in the directory. Boot is its key: the same ID or
// Addr under another Boot is another member.
type Member struct {
	ID        string            // name of the process, unique within its role
	Role      string            // gateway, worker, api, …
	Boot      uint64            // random, one per process life
	Addr      string            // host:port where other processes dial it
	PublicURL string            // where clients reach it; without a host (wss://:8282): at the host the client asked for
	Labels    map[string]string // facts an operator gave it; not to be changed once handed over
	Load      uint32            // how busy it says it is; only comparable within a role
	Build     string            // for people
	Started   time.Time         // when this life of the process began, by its own clock, for people; zero: it does not say
}

// SendsLabel is the label by which a process that is no worker says that it attaches to
// every gateway and sends to its conns: a gateway that begins waits for it, as for
// workers, before it lets clients in.
const SendsLabel = "sends"

// Bounds of what a member may say of itself; a register refuses more.
const (
	MaxStringBytes    = 256  // ID, Role, Addr, Build, label keys and values
	MaxPublicURLBytes = 1024 // PublicURL
	MaxLabels         = 32
)

// Validate reports everything that would make a register refuse m.
func (m Member) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	text := func(name, s string, most int, needed bool) {
		switch {
		case s == "" && needed:
			bad("%s is empty", name)
		case len(s) > most:
			bad("%s has %d bytes, at most %d are allowed", name, len(s), most)
		case !printable(s):
			bad("%s is not printable UTF-8", name)
		}
	}
	text("id", m.ID, MaxStringBytes, true)
	text("role", m.Role, MaxStringBytes, true)
	text("address", m.Addr, MaxStringBytes, false)
	text("public url", m.PublicURL, MaxPublicURLBytes, false)
	text("build", m.Build, MaxStringBytes, false)
	if m.Boot == 0 {
		bad("boot is zero")
	}
	if len(m.Labels) > MaxLabels {
		bad("%d labels, at most %d are allowed", len(m.Labels), MaxLabels)
	} else {
		for k, v := range m.Labels {
			text("label key", k, MaxStringBytes, true)
			text("label value", v, MaxStringBytes, false)
		}
	}
	return errors.Join(errs...)
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// same says whether two accounts of a member tell its readers the same.
func (m Member) same(o Member) bool {
	return m.ID == o.ID && m.Role == o.Role && m.Boot == o.Boot && m.Addr == o.Addr && m.PublicURL == o.PublicURL &&
		m.Load == o.Load && m.Build == o.Build && m.Started.Equal(o.Started) && maps.Equal(m.Labels, o.Labels)
}

// FromProto is the member that a message tells of.
func FromProto(p *registerv1.Member) Member {
	m := Member{
		ID: p.GetId(), Role: p.GetRole(), Boot: p.GetBoot(), Addr: p.GetAddr(), PublicURL: p.GetPublicUrl(),
		Labels: p.GetLabels(), Load: p.GetLoad(), Build: p.GetBuild(),
	}
	if ms := p.GetStartedUnixMs(); ms != 0 {
		m.Started = time.UnixMilli(ms)
	}
	return m
}

// Proto is the message that tells of m, at a revision of what it says of itself.
func (m Member) Proto(revision uint64) *registerv1.Member {
	p := &registerv1.Member{
		Id: m.ID, Role: m.Role, Boot: m.Boot, Addr: m.Addr, PublicUrl: m.PublicURL,
		Labels: m.Labels, Load: m.Load, Build: m.Build, Revision: revision,
	}
	if !m.Started.IsZero() {
		p.StartedUnixMs = m.Started.UnixMilli()
	}
	return p
}
