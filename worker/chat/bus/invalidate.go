package bus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// maxInvalidations bounds those that wait to be sent, and those that wait for watchers.
// When either is full, "everything" takes the place of what finds no room.
const maxInvalidations = 8192

// doubted is how far back, when a connection is lost, what was said on it is in doubt:
// as long as it takes to notice that nobody is there.
const doubted = 6 * pingEvery

type invalidation struct{ topic, key string }

// topic is one that this process has spoken of.
type topic struct {
	last   time.Time
	unsaid bool // something was not said, or perhaps not heard: "" is due
}

type watcher struct{ f func(key string) }

// Invalidate tells the watchers of topic in other processes, not those in this one, to
// forget key; "" is everything. It does not wait, and may be lost. The topic is one word
// of a-z, 0-9, - and _; another is a mistake of the program, and panics.
func (b *Bus) Invalidate(topic, key string) {
	mustBeTopic(topic)
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topic(topic)
	t.last = time.Now()
	if !b.open {
		b.stats.unsaid.Add(1)
		t.unsaid = true
		return
	}
	select {
	case b.invals <- invalidation{topic, key}:
	default:
		b.stats.unsaid.Add(1)
		t.unsaid = true
		b.poke()
	}
}

// Watch calls f with what other processes invalidate of topic; "" is everything, and
// comes whenever something may have been missed. Calls come one at a time; while f runs,
// others wait. The func that is returned ends it; a call may be under way then.
func (b *Bus) Watch(topic string, f func(key string)) (stop func()) {
	mustBeTopic(topic)
	w := &watcher{f}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watches[topic] = append(slices.Clone(b.watches[topic]), w)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.watches[topic] = slices.DeleteFunc(slices.Clone(b.watches[topic]), func(o *watcher) bool { return o == w })
	}
}

func mustBeTopic(s string) {
	if !isToken(s) {
		panic(fmt.Sprintf("bus: %q is no topic", s))
	}
}

// topic is called under mu.
func (b *Bus) topic(name string) *topic {
	t := b.topics[name]
	if t == nil {
		t = &topic{}
		b.topics[name] = t
	}
	return t
}

// doubtTopics is called under mu, when the connection was lost.
func (b *Bus) doubtTopics(now time.Time) {
	for _, t := range b.topics {
		if now.Sub(t.last) < doubted {
			t.unsaid = true
		}
	}
}

func (b *Bus) sendInvalidation(i invalidation) {
	l := b.link.Load()
	if l != nil && l.nc.Publish(b.names.invalPrefix+i.topic, []byte(i.key)) == nil {
		b.stats.invalidations.Add(1)
		return
	}
	b.stats.unsaid.Add(1)
	b.mu.Lock()
	b.topic(i.topic).unsaid = true
	b.mu.Unlock()
}

// sendDoubted says "" for the topics of which something was not said.
func (b *Bus) sendDoubted(l *link) {
	b.mu.Lock()
	var due []string
	for name, t := range b.topics {
		if t.unsaid {
			t.unsaid = false
			due = append(due, name)
		}
	}
	b.mu.Unlock()
	for _, name := range due {
		if err := l.nc.Publish(b.names.invalPrefix+name, nil); err != nil {
			b.mu.Lock()
			b.topic(name).unsaid = true
			b.mu.Unlock()
		}
	}
}

// invalidated is called by the client with what others say.
func (b *Bus) invalidated(m *nats.Msg) {
	b.stats.heard.Add(1)
	b.tell(strings.TrimPrefix(m.Subject, b.names.invalPrefix), string(m.Data))
}

func (b *Bus) tell(topic, key string) {
	b.mu.Lock()
	list := b.watches[topic]
	b.mu.Unlock()
	b.telling.Lock()
	defer b.telling.Unlock()
	for _, w := range list {
		w.f(key)
	}
}

// tellAll tells all watchers to forget everything.
func (b *Bus) tellAll() {
	b.mu.Lock()
	var list []*watcher
	for _, some := range b.watches {
		list = append(list, some...)
	}
	b.mu.Unlock()
	b.telling.Lock()
	defer b.telling.Unlock()
	for _, w := range list {
		w.f("")
	}
}
