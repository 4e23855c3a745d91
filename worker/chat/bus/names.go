package bus

import (
	"strings"

	"github.com/parley-im/parley/worker/chat"
)

// names are all subjects and streams of a prefix.
type names struct {
	events       string // stream
	eventsOf     string // what it takes in
	drain        string // stream
	drainSubject string
	drainers     string // consumer
	invalPrefix  string // subject of a topic, without it
	prefix       string
}

func namesOf(prefix string) names {
	upper := strings.ToUpper(prefix)
	return names{
		events: upper + "_EVENTS", eventsOf: prefix + ".*.event.>",
		drain: upper + "_DRAIN", drainSubject: prefix + ".task.drain", drainers: "workers",
		invalPrefix: prefix + ".inval.", prefix: prefix,
	}
}

// event is the subject of an event. A realm is one token, and never _.
func (n *names) event(r chat.Realm, name string) string {
	realm := string(r)
	if realm == "" {
		realm = "_"
	}
	return n.prefix + "." + realm + ".event." + name
}

// isToken reports whether s can be one token of a subject.
func isToken(s string) bool { return s != "" && areTokens(s) && !strings.Contains(s, ".") }

// areTokens reports whether s can be the rest of a subject: tokens with dots between.
func areTokens(s string) bool {
	for token := range strings.SplitSeq(s, ".") {
		if token == "" {
			return false
		}
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
