package ops_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/rpc"
	"github.com/parley-im/parley/worker/workertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What is another one each time stands in golden files under a name: <uuid 1>,
// <refresh 1>, … in the order of first appearance. A frame that is sent may use them.
var passing = []struct {
	name string
	is   *regexp.Regexp
}{
	{"refresh", regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[\w-]{43}`)},
	{"guest", regexp.MustCompile(`guest-[a-z2-7]{8}`)},
	{"access", regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)},
	{"uuid", regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)},
	{"cursor", regexp.MustCompile(`eyJ[\w-]{20,}`)},
}

var clock = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)

// names translates between frames and golden files.
type names struct {
	byValue, byName map[string]string
	last            map[string]int
}

func newNames() *names {
	return &names{map[string]string{}, map[string]string{}, map[string]int{}}
}

func (n *names) hide(frame string) string {
	for _, p := range passing {
		frame = p.is.ReplaceAllStringFunc(frame, func(value string) string {
			name, known := n.byValue[value]
			if !known {
				n.last[p.name]++
				name = fmt.Sprintf("<%s %d>", p.name, n.last[p.name])
				n.byValue[value], n.byName[name] = name, value
			}
			return name
		})
	}
	return clock.ReplaceAllString(frame, `"<time>"`)
}

// tickets are those of pictures: <ticket of USER in CONVERSATION> in a frame that is sent.
var tickets = regexp.MustCompile(`<ticket of ([\w-]+) in ([\w-]+)>`)

func (s *stage) sign(frame string) string {
	return tickets.ReplaceAllStringFunc(frame, func(found string) string {
		of := tickets.FindStringSubmatch(found)
		ticket, err := s.tokens.Ticket(auth.Ticket{
			User: chat.UserID(of[1]), Conversation: chat.ConversationID(of[2]),
			Image: chat.Image{Type: "image/png", Width: 640, Height: 480, Bytes: 12345, Name: "cat.png", File: "cat"},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return ticket
	})
}

func (n *names) show(frame string) string {
	for name, value := range n.byName {
		frame = strings.ReplaceAll(frame, name, value)
	}
	return frame
}

// TestRepliesAreGolden plays testdata/replies.txt: "ann → frame" is sent by ann's conn,
// which is dialled when it is first named, and "ann ← frame" is what she gets. Everybody
// gets everything that is for them before the next line is played.
func TestRepliesAreGolden(t *testing.T) {
	const file = "testdata/replies.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, hidden := guests(t), newNames()
	people := map[string]*person{}
	asked := map[string]bool{}
	var got bytes.Buffer
	for line := range strings.Lines(string(want)) {
		who, frame, sends := strings.Cut(strings.TrimSuffix(line, "\n"), " → ")
		if !sends {
			if !strings.Contains(line, " ← ") {
				got.WriteString(line)
			}
			continue
		}
		got.WriteString(line)
		if people[who] == nil {
			people[who] = &person{s: s, name: who, Conn: s.Dial("/", workertest.Subprotocols(subprotocol))}
		}
		for method := range rpcs() {
			if strings.Contains(frame, `"method":"`+method+`"`) {
				asked[method] = true
			}
		}
		people[who].SendText(s.sign(hidden.show(frame)))
		for _, name := range slices.Sorted(maps.Keys(people)) {
			for _, f := range people[name].heard() {
				fmt.Fprintf(&got, "%s ← %s\n", name, hidden.hide(f))
			}
		}
	}
	for method := range rpcs() {
		if !asked[method] {
			t.Errorf("%s is not in %s", method, file)
		}
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("replies have changed (write them anew with -update):\n%s", difference(got.String(), string(want)))
	}
}

const subprotocol = "parley.v1.json"

// rpcs are the methods that there are.
func rpcs() map[string]bool {
	all := map[string]bool{}
	for _, m := range chatv1.ChatService_ServiceDesc.Methods {
		all[rpc.MethodName(m.MethodName)] = true
	}
	return all
}

// difference shows the first line that is another one.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}
