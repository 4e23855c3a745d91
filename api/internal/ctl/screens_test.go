package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

func TestScreens(t *testing.T) {
	for _, test := range []struct {
		name  string
		set   func(d *desk)
		do    func(d *desk) error
		wants error // what is returned
	}{
		{name: "members", do: func(d *desk) error { return d.Members(t.Context()) }},
		{name: "members-even", set: func(d *desk) {
			d.fake.counts = countsOf(map[string]int32{"gw-1": 100, "gw-2": 110, "gw-3": 90})
		}, do: func(d *desk) error { return d.Members(t.Context()) }},
		{name: "members-strange", set: func(d *desk) {
			// gw-2 does not answer; gw-4 drains; gw-5 goes and does not answer either; gw-1 has most.
			d.fake.counts = countsOf(map[string]int32{"gw-1": 500, "gw-3": 10, "gw-4": 70}, "gw-2", "gw-5")
			d.fake.members.Members = append(d.fake.members.Members, &pushv1.Member{Role: "robot", Node: "\x1b]0;r2\x07"})
			d.fake.members.Members[1].StartedAt = nil
			d.fake.counts.Workers = map[string]*pushv1.WorkerCounts{"work-1": {Conns: 3, Draining: true}, "work-3": {Conns: 9}}
		}, do: func(d *desk) error { return d.Members(t.Context()) }, wants: &partial{}},
		{name: "members-narrow", set: func(d *desk) { d.Width = 80 }, do: func(d *desk) error { return d.Members(t.Context()) }},
		{name: "members-none", set: func(d *desk) {
			d.fake.members, d.fake.counts = &pushv1.ListMembersResponse{}, &pushv1.GetTotalsResponse{}
		}, do: func(d *desk) error { return d.Members(t.Context()) }},
		{name: "conns", do: func(d *desk) error { return d.Conns(t.Context(), Filter{}) }},
		{name: "conns-narrow", set: func(d *desk) { d.Width = 80 }, do: func(d *desk) error { return d.Conns(t.Context(), Filter{}) }},
		{name: "conns-some", set: func(d *desk) { d.fake.lost = []string{"gw-2"} }, do: func(d *desk) error {
			return d.Conns(t.Context(), Filter{Limit: 3})
		}, wants: &partial{}},
		{name: "conns-all-of-a-limit", do: func(d *desk) error { return d.Conns(t.Context(), Filter{Limit: 5}) }},
		{name: "conns-of-a-user", do: func(d *desk) error {
			return d.Conns(t.Context(), Filter{Users: []string{"zhangfei", "nobody"}, Gateways: []string{"gw-3"}})
		}},
		{name: "conns-none", set: func(d *desk) { d.fake.conns = nil }, do: func(d *desk) error { return d.Conns(t.Context(), Filter{}) }},
		{name: "conns-json", set: func(d *desk) { d.JSON = true }, do: func(d *desk) error { return d.Conns(t.Context(), Filter{Limit: 2}) }},
		{name: "conn", set: func(d *desk) {
			c := d.fake.conns[2]
			c.Session = &pushv1.Session{Kind: &pushv1.Session_Text{Text: `{"cart":["\x1b"],"name":"张` + "\x1b[2J" + `"}`}, Version: 7}
			c.Facts.Query, c.Facts.Tls = "tag=a&x=\x1b", true
			c.Facts.Headers = []*pushv1.Header{{Name: "User-Agent", Values: []string{"curl\x1b[31m"}}, {Name: "X-Two", Values: []string{"a", "b"}}}
		}, do: func(d *desk) error { return d.Conn(t.Context(), "CCCCCCCCCCCCCCCCCCCCCC") }},
		{name: "users", do: func(d *desk) error { return d.Users(t.Context(), nil, 0) }},
		{name: "users-some", do: func(d *desk) error { return d.Users(t.Context(), nil, 2) }},
		{name: "groups", do: func(d *desk) error { return d.Groups(t.Context(), 0) }},
		{name: "count", do: func(d *desk) error { return d.Count(t.Context()) }},
		{name: "count-groups", set: func(d *desk) { d.fake.lost = []string{"gw-2"} }, do: func(d *desk) error {
			return d.CountGroups(t.Context(), []string{"kitchen", "attic"})
		}, wants: &partial{}},
		{name: "online", do: func(d *desk) error { return d.Online(t.Context(), []string{"zhangfei", "nobody"}) }},
		{name: "online-unsure", set: func(d *desk) { d.fake.lost = []string{"gw-2", "gw-3"} }, do: func(d *desk) error {
			return d.Online(t.Context(), []string{"zhangfei", "nobody"})
		}, wants: &partial{}},
		{name: "send", set: func(d *desk) {
			d.fake.send = &pushv1.SendResponse{Hit: 1204, Dropped: 1, Missed: 2, Offline: []string{"b\x1b", "a"}, Lost: []string{"gw-2"}}
		}, do: func(d *desk) error { return d.Send(t.Context(), To{Users: []string{"a"}}, []byte("hi"), false) }, wants: &partial{}},
		{name: "kick", set: func(d *desk) {
			d.fake.closed = &pushv1.CloseResponse{Outcome: &pushv1.Outcome{
				Done: 3, Stale: []string{"AAAAAAAAAAAAAAAAAAAAAA"}, Unsure: []string{"BBBBBBBBBBBBBBBBBBBBBB"},
				Failed: []*pushv1.Failure{{Conn: "CCCCCCCCCCCCCCCCCCCCCC", Reason: "TOO_LARGE", Message: "too\x1b large"}},
			}}
		}, do: func(d *desk) error {
			return d.Kick(t.Context(), Kick{Users: []string{"a"}, Conns: []string{"b"}, Code: 4504, Reason: "bye"})
		}, wants: errNotAll},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := sit(t)
			if test.set != nil {
				test.set(d)
			}
			err := test.do(d)
			if err != nil {
				d.errs.WriteString(Explain(err) + "\n")
			}
			if ExitCode(err) != ExitCode(test.wants) {
				t.Errorf("it returned %v", err)
			}
			d.want(t, test.name)
		})
	}
}

func TestMembersForPrograms(t *testing.T) {
	d := sit(t)
	d.JSON = true
	if err := d.Members(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Members   []struct{ Role, Node, StartedAt string }
		Registers []struct {
			Addr string
			Up   bool
		}
		Counts struct {
			Gateways map[string]struct{ Conns int }
			Lost     []string
		}
	}
	if err := json.Unmarshal(d.out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Members) != 6 || len(got.Registers) != 2 || got.Registers[1].Up || got.Counts.Gateways["gw-1"].Conns != 1204 || got.Counts.Lost == nil {
		t.Errorf("got %+v of %s", got, d.out.String())
	}
	if strings.Count(d.out.String(), "\n") != 1 {
		t.Errorf("more than one line: %q", d.out.String())
	}
}

func TestWatchDrawsInPlaceAndOutlivesAnApi(t *testing.T) {
	d := sit(t)
	d.Width = 200
	looks := 0
	ctx, cancel := context.WithCancel(t.Context())
	d.fake.before = func(method string) error {
		if method != "listMembers" {
			return nil
		}
		switch looks++; looks {
		case 2:
			return fault.New(fault.Unavailable, "no register has answered")
		case 4:
			cancel()
		}
		return nil
	}
	if err := d.Watch(ctx, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	screens := strings.Split(d.out.String(), "\x1b[H")[1:]
	if len(screens) != 3 {
		t.Fatalf("%d screens:\n%q", len(screens), screens)
	}
	for i, s := range screens {
		away := strings.Contains(s, "no register has answered")
		if !strings.HasSuffix(s, "\x1b[J") || away != (i == 1) || !away && !strings.Contains(s, "gw-3") {
			t.Errorf("screen %d: %q", i, s)
		}
	}
}

func TestAKeyThatAsksTooOftenWaits(t *testing.T) {
	d := sit(t)
	refused := 0
	d.fake.before = func(string) error {
		if refused < 2 {
			refused++
			return fault.New(fault.RateLimited, "").After(time.Millisecond)
		}
		return nil
	}
	if err := d.Count(t.Context()); err != nil || refused != 2 {
		t.Errorf("refused %d times, then %v", refused, err)
	}
}

func TestWhatIsInTheWayIsSaidWithWhatToDo(t *testing.T) {
	d := sit(t)
	said := func(err error) string {
		if err == nil {
			return "nothing"
		}
		return Explain(err)
	}
	for name, test := range map[string]struct {
		err  error
		code int
		says []string
	}{
		"a key that nobody knows": {with(d, func() { d.Door.key = "parley_x" }, func() error { return d.Count(t.Context()) }), ExitFailed, []string{"the key is not good", "--push-keys", "--key-file"}},
		"a key without the role":  {d.refused(t, fault.New(fault.Forbidden, "this key may not: it needs the role admin")), ExitFailed, []string{"needs the role admin", "--push-keys"}},
		"nobody there":            {with(d, func() { d.Door.base = "http://127.0.0.1:1" }, func() error { return d.Count(t.Context()) }), ExitFailed, []string{"http://127.0.0.1:1 does not answer", "refused", "--api"}},
		"somebody else there":     {with(d, func() { d.Door.base += "/elsewhere" }, func() error { return d.Count(t.Context()) }), ExitFailed, []string{"not known here", "--push-keys", "older than"}},
		"a conn that has ended":   {d.Conn(t.Context(), "ZZZZZZZZZZZZZZZZZZZZZZ"), ExitFailed, []string{"the connection has ended", "parleyctl conns"}},
		"no such gateway":         {d.Shed(t.Context(), Shed{Gateway: "nobody", Share: 0.5, Over: time.Second}), ExitUsage, []string{"there is no gateway nobody", "parleyctl members"}},
		"conns of no gateway":     {d.Conns(t.Context(), Filter{Gateways: []string{"nobody"}}), ExitUsage, []string{"there is no gateway nobody"}},
		"no such node":            {d.Drain(t.Context(), Drain{Node: "nobody\x1b"}), ExitUsage, []string{`"nobody\x1b"`, "parleyctl members"}},
		"no such worker":          {d.Drain(t.Context(), Drain{Node: "gw-1", Role: "worker"}), ExitUsage, []string{"there is no worker gw-1", "parleyctl members"}},
		"nobody to send to":       {d.Send(t.Context(), To{}, nil, false), ExitUsage, []string{"--to-user"}},
		"two kinds":               {d.Send(t.Context(), To{All: true, Users: []string{"a"}}, nil, false), ExitUsage, []string{"twice"}},
		"no text":                 {d.Send(t.Context(), To{All: true}, []byte{0xff}, false), ExitUsage, []string{"--binary"}},
		"too much":                {d.Send(t.Context(), To{All: true}, make([]byte, maxFrame+1), true), ExitUsage, []string{"1,048,576 bytes"}},
		"nobody to kick":          {d.Kick(t.Context(), Kick{}), ExitUsage, []string{"--user"}},
		"a reason for a cut":      {d.Kick(t.Context(), Kick{Users: []string{"a"}, Now: true, Reason: "x"}), ExitUsage, []string{"--now"}},
		"a long reason":           {d.Kick(t.Context(), Kick{Users: []string{"a"}, Reason: strings.Repeat("x", 124)}), ExitUsage, []string{"123"}},
		"a short window":          {d.Shed(t.Context(), Shed{Gateway: "gw-1", Share: 0.5, Over: time.Millisecond}), ExitUsage, []string{"--over"}},
	} {
		text := said(test.err)
		if got := ExitCode(test.err); got != test.code {
			t.Errorf("%s: exit code %d, want %d: %s", name, got, test.code, text)
		}
		for _, want := range test.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not said in: %s", name, want, text)
			}
		}
		if strings.Contains(text, key) || strings.ContainsRune(text, '\x1b') {
			t.Errorf("%s: it says %q", name, text)
		}
	}
}

// with does something after a change of the door, and takes the change back.
func with(d *desk, change func(), do func() error) error {
	was := *d.Door
	defer func() { *d.Door = was }()
	change()
	return do()
}

// refused is what comes of a refusal.
func (d *desk) refused(t *testing.T, err error) error {
	d.fake.before = func(string) error { return err }
	defer func() { d.fake.before = nil }()
	return d.Count(t.Context())
}

// refusalOf is what is made of the page of a balancer.
func refusalOf(text string) error {
	return refusal("http://x", &http.Response{Status: "502 Bad Gateway", StatusCode: http.StatusBadGateway}, []byte(text))
}

func TestAPageOfSomebodyElseIsNoAnswer(t *testing.T) {
	for api, ok := range map[string]bool{
		"http://10.0.0.31:8080": true, "https://chat.example.com/": true, "10.0.0.31:8080": true, "[::1]:8080": true, "http://[::1]:8080/api/": true,
		"": false, "ftp://x": false, "http://": false, "http://user:secret@x": false, "http://x/?key=1": false, "http://x/#1": false, "\x1b": false, "http://x y": false,
	} {
		door, err := NewDoor(api, key, time.Second)
		if (err == nil) != ok || err != nil && ExitCode(err) != ExitUsage {
			t.Errorf("%q: %v", api, err)
		}
		if door != nil && strings.HasSuffix(door.base, "/") {
			t.Errorf("%q is %q", api, door.base)
		}
	}
	if err := errors.Join(refusalOf("<html>busy</html>"), refusalOf(`{"error":{}}`)); !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("got %v", err)
	}
}
