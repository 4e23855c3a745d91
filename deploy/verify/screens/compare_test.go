package screens

import (
	"strings"
	"testing"
	"time"
)

// good is a run in which everything held: a writes three messages to a conversation
// with b, one of which is edited; b has read two.
func good() *Record {
	v := &Conversation{ID: "c", Seq: 4, Rev: 1, Counted: 3, Members: map[string]Member{
		"a": {FromSeq: 1, ReadSeq: 4, ReadCount: 3},
		"b": {FromSeq: 1, ReadSeq: 3, ReadCount: 2},
	}, Changes: []Change{{Rev: 1, Seq: 2}}}
	v.Messages = []Message{
		{Seq: 1, Sender: "a", Text: "[]"},
		{Seq: 2, Sender: "a", Request: "r2", Text: "better", Counts: true, Rev: 1},
		{Seq: 3, Sender: "a", Request: "r3", Text: "three", Counts: true},
		{Seq: 4, Sender: "a", Request: "r4", Text: "four", Counts: true},
	}
	r := &Record{Conversations: map[string]*Conversation{"c": v}, Online: map[string]bool{"a": true, "b": true}}
	for _, user := range []string{"a", "b"} {
		d := &Device{Name: user + "1", User: user, Sees: map[string]bool{"c": true}, Shown: map[string][]Shown{}, Live: []Span{{0, time.Minute}}, Presence: map[string]bool{"a": true, "b": true}}
		for _, m := range v.Messages {
			s := Shown{Message: m, At: time.Duration(m.Seq)*time.Second + 30*time.Millisecond}
			if m.Seq == 2 {
				s.Text, s.Rev = "two", 0
			}
			d.Shown["c"] = append(d.Shown["c"], s)
		}
		member := v.Members[user]
		d.Final = map[string]Final{"c": {Unread: 3 - member.ReadCount, ReadSeq: member.ReadSeq, Texts: map[int64]string{2: "better"}}}
		r.Devices = append(r.Devices, d)
	}
	for _, m := range v.Messages[1:] {
		at := time.Duration(m.Seq) * time.Second
		r.Devices[0].Sent = append(r.Devices[0].Sent, Sent{Conversation: "c", Request: m.Request, Text: m.Text, At: at, Acked: at + 10*time.Millisecond, Seq: m.Seq})
	}
	return r
}

func TestRunInWhichEverythingHeldIsClean(t *testing.T) {
	f := Compare(good())
	if !f.Clean() {
		t.Fatalf("got %+v, first %+v", f, f.First)
	}
	if f.Sent != 3 || f.Acked != 3 || f.Stored != 4 || f.Shown != 8 {
		t.Errorf("counted wrongly: %+v", f)
	}
	if f.LongestToScreen != 20*time.Millisecond {
		t.Errorf("longest from acknowledgement to screen: got %v", f.LongestToScreen)
	}
}

func TestEveryKindOfBreachIsFound(t *testing.T) {
	shown := func(r *Record) []Shown { return r.Devices[1].Shown["c"] }
	for name, c := range map[string]struct {
		spoil func(*Record)
		count func(Findings) int
	}{
		"acknowledged and not stored": {
			func(r *Record) {
				r.Devices[0].Sent = append(r.Devices[0].Sent, Sent{Conversation: "c", Request: "r5", Acked: 1, Seq: 5})
			},
			func(f Findings) int { return f.Unstored },
		},
		"acknowledged as another": {
			func(r *Record) { r.Devices[0].Sent[0].Seq = 3 },
			func(f Findings) int { return f.Unstored },
		},
		"refused and stored": {
			func(r *Record) { r.Devices[0].Sent[0].Acked, r.Devices[0].Sent[0].Refused = 0, true },
			func(f Findings) int { return f.Strange },
		},
		"stored twice": {
			func(r *Record) { r.Conversations["c"].Messages[3].Request = "r3" },
			func(f Findings) int { return f.Twice },
		},
		"a gap in the store": {
			func(r *Record) { r.Conversations["c"].Messages[3].Seq = 5 },
			func(f Findings) int { return f.Gaps },
		},
		"a number twice": {
			func(r *Record) { r.Conversations["c"].Messages[3].Seq = 3 },
			func(f Findings) int { return f.Gaps },
		},
		"a counter that went on alone": {
			func(r *Record) { r.Conversations["c"].Seq = 5 },
			func(f Findings) int { return f.Gaps },
		},
		"a rev that went on alone": {
			func(r *Record) { r.Conversations["c"].Rev = 2 },
			func(f Findings) int { return f.Gaps },
		},
		"not on a screen": {
			func(r *Record) { r.Devices[1].Shown["c"] = append(shown(r)[:2:2], shown(r)[3]) },
			func(f Findings) int { return f.Lost },
		},
		"the end is not on a screen": {
			func(r *Record) { r.Devices[1].Shown["c"] = shown(r)[:3] },
			func(f Findings) int { return f.Lost },
		},
		"nothing on a screen": {
			func(r *Record) { r.Devices[1].Shown = nil },
			func(f Findings) int { return f.Lost },
		},
		"twice on a screen": {
			func(r *Record) { r.Devices[1].Shown["c"] = append(shown(r), shown(r)[3]) },
			func(f Findings) int { return f.Doubled },
		},
		"swapped on a screen": {
			func(r *Record) { s := shown(r); s[2], s[3] = s[3], s[2] },
			func(f Findings) int { return f.Swapped },
		},
		"shown and not stored": {
			func(r *Record) {
				r.Devices[1].Shown["c"] = append(shown(r), Shown{Message: Message{Seq: 9, Sender: "a"}})
			},
			func(f Findings) int { return f.Strange },
		},
		"another text": {
			func(r *Record) { shown(r)[3].Text = "for" },
			func(f Findings) int { return f.Strange },
		},
		"an edit that did not come": {
			func(r *Record) { r.Devices[1].Final["c"].Texts[2] = "two" },
			func(f Findings) int { return f.Stale },
		},
		"unread on the screen": {
			func(r *Record) { f := r.Devices[1].Final["c"]; f.Unread++; r.Devices[1].Final["c"] = f },
			func(f Findings) int { return f.Unread },
		},
		"unread in the store": {
			func(r *Record) {
				m := r.Conversations["c"].Members["b"]
				m.ReadCount = 1
				r.Conversations["c"].Members["b"] = m
			},
			func(f Findings) int { return f.Unread },
		},
		"a mark that moved back": {
			func(r *Record) { f := r.Devices[1].Final["c"]; f.Fell = 1; r.Devices[1].Final["c"] = f },
			func(f Findings) int { return f.Fell },
		},
		"presence that is stuck": {
			func(r *Record) { r.Online["b"] = false },
			func(f Findings) int { return f.Stuck },
		},
		"history of one who came later": {
			func(r *Record) {
				m := r.Conversations["c"].Members["b"]
				m.FromSeq = 2
				r.Conversations["c"].Members["b"] = m
			},
			func(f Findings) int { return f.Strange },
		},
	} {
		r := good()
		c.spoil(r)
		f := Compare(r)
		if c.count(f) == 0 || f.Clean() || f.First == nil {
			t.Errorf("%s: not found: %+v", name, f)
		}
	}
}

func TestOnlyTimeThatOneIsThereIsWaitedFor(t *testing.T) {
	r := good()
	b := r.Devices[1]
	b.Shown["c"][3].At = time.Minute
	b.Live = []Span{{0, 4 * time.Second}, {time.Minute - 5*time.Millisecond, time.Hour}}
	if f := Compare(r); f.LongestToScreen != 20*time.Millisecond {
		t.Errorf("who was away: got %v", f.LongestToScreen)
	}
	b.Live = []Span{{0, 30 * time.Second}, {time.Minute - 5*time.Millisecond, time.Hour}}
	want := 30*time.Second - 4010*time.Millisecond + 5*time.Millisecond
	if f := Compare(r); f.LongestToScreen != want {
		t.Errorf("who missed it by one session and got it by the next: got %v, want %v", f.LongestToScreen, want)
	}
}

func TestScrollingUpSwapsNothing(t *testing.T) {
	r := good()
	s := r.Devices[1].Shown["c"]
	r.Devices[1].Shown["c"] = []Shown{s[2], s[3], s[1], s[0]}
	if f := Compare(r); f.Swapped != 0 {
		t.Errorf("older history put above what was there counts as swapped: %+v", f.First)
	}
}

func TestFirstBreachHasItsTimeline(t *testing.T) {
	r := good()
	r.Devices[1].Shown["c"] = r.Devices[1].Shown["c"][:3]
	b := Compare(r).First
	if b == nil || b.Seq != 4 || b.Device != "b1" {
		t.Fatalf("got %+v", b)
	}
	all := strings.Join(b.Lines, "\n")
	for _, want := range []string{"a1 sends r4", "a1 is told that r4 is 4", "b1 shows 3"} {
		if !strings.Contains(all, want) {
			t.Errorf("the timeline lacks %q:\n%s", want, all)
		}
	}
}
