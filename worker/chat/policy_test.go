package chat

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/quick"

	"github.com/parley-im/parley/proto/fault"
)

var update = flag.Bool("update", false, "write the tables of the documents anew")

// matrix is the rights as a table for people.
func matrix() string {
	var b strings.Builder
	b.WriteString("| | direct | group chat | room |\n|---|---|---|---|\n")
	for op := range ops {
		b.WriteString("| " + op.String() + " |")
		for _, t := range []Type{Direct, Group, Room} {
			var who []string
			for _, r := range []Role{Stranger, Member, Owner} {
				if May(op, r, t) {
					who = append(who, r.String())
				}
			}
			switch len(who) {
			case 0:
				who = []string{"nobody"}
			case 3:
				who = []string{"everybody"}
			}
			b.WriteString(" " + strings.Join(who, ", ") + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// page is where the table is for people to read.
const page = "../../docs/architecture.md"

// The table stands between these two lines.
const begin, end = "<!-- rights, written by a test -->\n", "<!-- end of rights -->\n"

func TestRightsAreThoseOfThePage(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	told, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("architecture.md has no table of rights")
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+matrix()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if told != matrix() {
		t.Errorf("architecture.md says\n%s\nthe rules say (write it anew with -update)\n%s", told, matrix())
	}
}

func TestWhatMayNotBeReadIsNotThere(t *testing.T) {
	for op := range ops {
		for _, typ := range []Type{Direct, Group, Room} {
			for _, r := range []Role{Stranger, Member, Owner} {
				err := Allow(op, r, typ)
				switch {
				case May(op, r, typ):
					if err != nil {
						t.Errorf("%v of a %v in a %v: %v", op, r, typ, err)
					}
				case !May(OpRead, r, typ):
					if fault.CodeOf(err) != fault.NotFound {
						t.Errorf("%v of a %v in a %v: got %v, want what says nothing", op, r, typ, err)
					}
				case fault.CodeOf(err) != fault.Forbidden:
					t.Errorf("%v of a %v in a %v: got %v", op, r, typ, err)
				}
			}
		}
	}
}

func TestNobodyWritesOrChangesWhereTheyAreNot(t *testing.T) {
	for _, op := range []Op{OpSend, OpEditOwn, OpRecallOwn, OpRecallAny, OpAddMembers, OpLeave, OpMarkRead, OpType} {
		for _, typ := range []Type{Direct, Group, Room} {
			if May(op, Stranger, typ) {
				t.Errorf("a stranger may %v in a %v", op, typ)
			}
		}
	}
}

func TestUnreadIsASubtraction(t *testing.T) {
	v := View{Conversation: Conversation{Seq: 10, Counted: 8}, Mark: Mark{Role: Member}}
	for name, c := range map[string]struct {
		change func(*View)
		want   int64
	}{
		"nothing read":           {func(*View) {}, 8},
		"some read":              {func(v *View) { v.ReadCount = 5 }, 3},
		"all read":               {func(v *View) { v.ReadCount = 8 }, 0},
		"came late":              {func(v *View) { v.FromCount = 6 }, 2},
		"came late, and read on": {func(v *View) { v.FromCount, v.ReadCount = 6, 7 }, 1},
		"has left":               {func(v *View) { v.Left = true }, 0},
		"never was in it":        {func(v *View) { v.Role = Stranger }, 0},
		"a mark ahead of us":     {func(v *View) { v.ReadCount = 9 }, 0},
	} {
		w := v
		c.change(&w)
		if got := w.Unread(); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestUnreadIsWhatCameAfterTheMark(t *testing.T) {
	// A conversation in full, counted one by one: lines of people and of the system, a
	// member who came after some of them and has read up to some place.
	holds := func(people []bool, from, read uint8) bool {
		came, at := int(from)%(len(people)+1), int(read)%(len(people)+1)
		v := View{Mark: Mark{Role: Member}}
		var want int64
		for i, person := range people {
			kind := Added
			if person {
				kind = Text
			}
			if !kind.Counts() {
				continue
			}
			v.Counted++
			if i < came {
				v.FromCount++
			}
			if i < at {
				v.ReadCount++
			}
			if i >= came && i >= at {
				want++
			}
		}
		before := v.Unread()
		v.Counted++
		return before == want && v.Unread() == want+1
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}
