package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
	"github.com/parley-im/parley/worker/workertest"
)

// person is a visitor or an agent at a page: it remembers the newest of what it is told,
// and asks again when it is told to look.
type person struct {
	t       testing.TB
	say     func(string)
	next    func() string
	asks    string // what it says to be told everything
	talks   map[uint64]talk
	agents  []string
	before  int
	refused string
	fresh   bool // what it has asked for has come
}

func secret(name string) string { return "a secret of twenty letters of " + name }

func visitor(name string) string {
	return fmt.Sprintf(`{"type":"visit","visitor":%q}`, secret(name))
}

func agent(name, key string) string {
	return fmt.Sprintf(`{"type":"serve","name":%q,"key":%q}`, name, key)
}

// in is a person without a network.
func in(t testing.TB, c *workertest.Conn, asks string) *person {
	p := &person{t: t, say: c.SendText, next: func() string { return string(c.Next().Payload) }, asks: asks}
	return p.asked()
}

// at is a person at a gateway.
func at(t testing.TB, url, asks string) *person {
	c := clustertest.Dial(t, url)
	p := &person{t: t, say: c.Say, next: c.Next, asks: asks}
	return p.asked()
}

// asked asks for everything and waits until it is there.
func (p *person) asked() *person {
	p.t.Helper()
	p.fresh = false
	p.say(p.asks)
	p.until("is told what there is", func() bool { return p.fresh || p.refused != "" })
	return p
}

// hear takes one frame.
func (p *person) hear() {
	p.t.Helper()
	var f struct {
		Talks  []talk
		Agents []string
		Before *int
		Look   bool
		Error  string
	}
	text := p.next()
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		p.t.Fatalf("heard %s: %v", text, err)
	}
	if p.talks == nil {
		p.talks = map[uint64]talk{}
	}
	for _, t := range f.Talks {
		if t.Rev >= p.talks[t.ID].Rev {
			p.talks[t.ID] = t
		}
	}
	switch {
	case f.Look:
		p.say(p.asks)
	case f.Error != "":
		p.refused = f.Error
	case f.Before != nil: // it is an answer
		p.agents, p.before, p.fresh = f.Agents, *f.Before, true
	}
}

// until takes frames until something holds.
func (p *person) until(what string, holds func() bool) {
	p.t.Helper()
	for !holds() {
		p.hear()
	}
	p.t.Logf("%.40s %s", p.asks, what)
}

// sees waits for a talk in a state, with an agent, of which these are the lines.
func (p *person) sees(state, agent string, lines ...string) talk {
	p.t.Helper()
	var found talk
	p.until(fmt.Sprint(state, " ", agent, " ", lines), func() bool {
		for _, t := range p.talks {
			if found = t; t.State == state && t.Agent == agent && said(t) == fmt.Sprint(lines) {
				return true
			}
		}
		return false
	})
	return found
}

func said(t talk) string {
	var lines []string
	for _, l := range t.Lines {
		lines = append(lines, l.By+": "+l.Text)
	}
	return fmt.Sprint(lines)
}

// refusedTo says something and waits for the refusal.
func (p *person) refusedTo(what string) {
	p.t.Helper()
	p.refused = ""
	p.say(what)
	p.until("is refused", func() bool { return p.refused != "" })
	p.refused = ""
}

func ask(id, text string) string {
	return fmt.Sprintf(`{"type":"say","id":%q,"text":%q,"name":"Ann <b>"}`, id, text)
}

func act(kind string, talk uint64, more string) string {
	return fmt.Sprintf(`{"type":%q,"talk":%d%s}`, kind, talk, more)
}

func answer(talk uint64, id, text string) string {
	return act("say", talk, fmt.Sprintf(`,"id":%q,"text":%q`, id, text))
}
