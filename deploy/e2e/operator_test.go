package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/deploy/verify/answer"
)

// TestOperatorSeesAndMovesACluster is a day of an operator: he looks, sends, ends conns,
// sheds a gateway that has too many, and drains a gateway and a worker.
func TestOperatorSeesAndMovesACluster(t *testing.T) {
	t.Parallel()
	o := openControl(t, cast{gateways: 3, workers: 2})
	const conns = 200
	var (
		mu       sync.Mutex
		visitors = map[string]*visitor{}
		coming   sync.WaitGroup
		doors    = make(chan struct{}, 16) // who comes in at once
	)
	for i := range conns {
		at := 0 // of the first gateway most
		if i >= 140 {
			at = 1 + i%2
		}
		tag := fmt.Sprint("p", i)
		if i == 7 {
			tag = "\x1b[2J\x1b[Hroot"
		}
		doors <- struct{}{}
		coming.Go(func() {
			defer func() { <-doors }()
			g := o.admit(tag, at)
			mu.Lock()
			visitors[tag] = g
			mu.Unlock()
		})
	}
	coming.Wait()

	t.Run("he sees how the conns are spread", func(t *testing.T) {
		if got := o.conns(); !slices.Equal(got, []int{140, 30, 30}) {
			t.Errorf("conns: %v", got)
		}
		screen := o.done("members")
		t.Log("\n" + screen.out)
		for _, want := range []string{"3 gateways, 2 workers, 1 api, 1 register; 200 conns", "##########|#########>  210%", " 45%", "gateway-1 has 210% of the mean: parleyctl shed gateway-1 52% would level it."} {
			if !strings.Contains(screen.out, want) {
				t.Errorf("no %q", want)
			}
		}
		for _, m := range o.cluster().Members {
			if m.StartedAt == "" {
				t.Errorf("%s %s does not say when it began", m.Role, m.Node)
			}
		}
		eventually(t, func() bool { // a worker has a conn from its first event on
			workers := o.cluster().Counts.Workers
			return workers["worker-1"].Conns+workers["worker-2"].Conns == conns && len(workers) == 2
		}, func() string { return fmt.Sprintf("conns of workers: %+v", o.cluster().Counts.Workers) })
		// Of a worker the load is the conns that it is busy with.
		visitors["p141"].says(t, answer.Ask(answer.Bind, "p141", 1, "4s")) // at the last gateway, which stays as it is
		eventually(t, func() bool {
			busy := 0
			for _, m := range o.cluster().Members {
				if m.Role == "worker" {
					busy += m.Load
				}
			}
			return busy == 1
		}, func() string { return "no worker is busy" })
	})

	t.Run("he sees who is there", func(t *testing.T) {
		list := o.done("conns", "--limit", "0")
		if n := strings.Count(list.out, "\n"); n != conns+1 {
			t.Errorf("%d lines of %d conns", n, conns)
		}
		if strings.ContainsRune(list.out, '\x1b') || !strings.Contains(list.out, `"\x1b[2J\x1b[Hroot.0"`) {
			t.Error("a name moves the cursor, or is not there")
		}
		if n := strings.Count(o.done("conns", "--gateway", "gateway-2", "--json").out, "\n"); n != 30 {
			t.Errorf("%d conns of a gateway that has 30", n)
		}
		short := o.done("conns", "--limit", "10")
		if strings.Count(short.out, "\n") != 11 || !strings.Contains(short.err, "there are more") {
			t.Errorf("ten conns:\n%s%s", short.out, short.err)
		}
		t.Log("\n" + short.out)
		one := o.done("conns", "--user", answer.User("p3", 0)).out
		id, _, _ := strings.Cut(one[strings.Index(one, "\n")+1:], " ")
		if all := o.done("conn", id); !strings.Contains(all.out, "user         p3.0\ngroups       p3\ngateway      gateway-1\n") {
			t.Errorf("all of one conn:\n%s", all.out)
		}
		if n := strings.Count(o.done("users", "--limit", "0").out, "\n"); n != conns+1 {
			t.Errorf("%d lines of users", n)
		}
		if n := strings.Count(o.done("groups", "--limit", "0").out, "\n"); n != conns+1 {
			t.Errorf("%d lines of groups", n)
		}
		if got := o.done("online", "p3.0", "nobody").out; !strings.Contains(got, "p3.0    online       1\n") || !strings.Contains(got, "nobody  offline      0\n") {
			t.Errorf("online:\n%s", got)
		}
	})

	t.Run("he sends and kicks", func(t *testing.T) {
		if got := o.done("send", "--to-user", "p3.0", "--to-user", "nobody", "hello"); got.out != "sent to 1 conn; offline: nobody\n" {
			t.Errorf("a send to a user: %s", got.out)
		}
		if got := o.runWith("from a pipe\n", "send", "send", "--to-group", "p4"); got.code != 0 || got.out != "sent to 1 conn\n" {
			t.Errorf("a send to a group: %+v", got)
		}
		eventually(t, func() bool { return visitors["p3"].heard("hello") && visitors["p4"].heard("from a pipe") }, func() string { return "nobody hears it" })
		if got := o.done("kick", "--user", "p3.0", "--group", "p4", "--code", "4504", "--reason", "that is enough"); got.out != "ended 2 conns\n" {
			t.Errorf("a kick: %s", got.out)
		}
		for _, tag := range []string{"p3", "p4"} {
			eventually(t, func() bool { return visitors[tag].ending().Code == 4504 }, func() string { return "it was not ended" })
			if end := visitors[tag].ending(); end.Reason != "that is enough" {
				t.Errorf("%s ended with %v", tag, end)
			}
		}
	})

	t.Run("he sheds a quarter", func(t *testing.T) {
		got := o.done("shed", "gateway-1", "25%", "--over", "1s")
		t.Logf("\n%s%s", got.err, got.out)
		left := o.conns()
		// 35 of 138, of whom none comes back: they draw one of the two others.
		if left[0] != 138-35 || left[0]+left[1]+left[2] != conns-2 || left[1] <= 30 || left[2] <= 30 {
			t.Errorf("conns: %v", left)
		}
		if !strings.Contains(got.err, "gateway-1 asks 35 of 138 clients to come back elsewhere, over 1s.") || !strings.Contains(got.out, "gateway-1     138  103  -35\n") {
			t.Errorf("it says\n%s%s", got.err, got.out)
		}
		if again := o.done("members").out; strings.Contains(again, "210%") || !strings.Contains(again, " 156%") {
			t.Errorf("the view does not show it:\n%s", again)
		}
	})

	t.Run("he is told who does not answer", func(t *testing.T) {
		o.Gateways()[2].Freeze(t)
		got := o.run("admin", "members", "--timeout", "500ms")
		o.Gateways()[2].Thaw(t)
		if got.code != 3 || !strings.Contains(got.err, "gateway gateway-3 did not answer") || !strings.Contains(got.out, "silent") {
			t.Errorf("exit code %d:\n%s%s", got.code, got.out, got.err)
		}
	})

	t.Run("he drains a gateway and a worker", func(t *testing.T) {
		before := o.conns()
		got := o.done("drain", "gateway-2")
		t.Logf("\n%s%s", got.err, got.out)
		o.ended(o.Gateways()[1])
		eventually(t, func() bool { left := o.conns(); return left[0]+left[2] == conns-2 }, func() string { return fmt.Sprintf("conns: %v, before %v", o.conns(), before) })
		if !strings.Contains(got.err, "gateway-2 has ended.") {
			t.Errorf("it says\n%s", got.err)
		}
		if got := o.done("drain", "worker-2"); !strings.Contains(got.err, "worker-2 has ended") {
			t.Errorf("it says\n%s", got.err)
		}
		o.ended(o.Workers()[1])
		if screen := o.done("members").out; !strings.HasPrefix(screen, "2 gateways, 1 worker, ") {
			t.Errorf("the view has them still:\n%s", screen)
		}
	})

	t.Run("he is told what is in the way", func(t *testing.T) {
		for _, test := range []struct {
			got  told
			code int
			says string
		}{
			{o.run("send", "members"), 1, "it needs the role admin"},
			{o.run("admin", "members", "--key-file", o.ctl), 2, "is no key"},
			{o.run("admin", "members", "--api", "http://127.0.0.1:1"), 1, "does not answer"},
			{o.run("admin", "shed", "gateway-9", "25%"), 2, "there is no gateway gateway-9"},
			{o.run("admin", "drain", "gateway-9"), 2, "parleyctl members"},
			{o.run("admin", "shed", "gateway-1", "25"), 2, "25%"},
			{o.run("admin", "conns", "--gateway", "gateway-9"), 2, "there is no gateway gateway-9"},
		} {
			if test.got.code != test.code || !strings.Contains(test.got.err, test.says) {
				t.Errorf("exit code %d, want %d and %q: %s", test.got.code, test.code, test.says, test.got.err)
			}
		}
	})
}
