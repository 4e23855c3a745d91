package traffic

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/local/runfile"
	"github.com/parley-im/parley/deploy/verify/screens"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	one = "ws://127.0.0.1:1/"
	two = "ws://127.0.0.1:2/"
)

func TestSocketsOfAKilledGatewayAreCountedApart(t *testing.T) {
	k := newKills(time.Now())
	k.died[one] = []time.Duration{5 * time.Second}
	for _, conn := range []chatclient.ConnRecord{
		{Gateway: one, Dialled: 1 * time.Second, Opened: 2 * time.Second, Ended: 5100 * time.Millisecond}, // with it
		{Gateway: one, Dialled: 1 * time.Second, Opened: 2 * time.Second, Ended: 4 * time.Second},         // before it died
		{Gateway: one, Dialled: 6 * time.Second, Opened: 7 * time.Second, Ended: 8 * time.Second},         // of its next life
		{Gateway: two, Dialled: 1 * time.Second, Opened: 2 * time.Second, Ended: 6 * time.Second},         // of another one
		{Gateway: one, Dialled: 4 * time.Second, Ended: 6 * time.Second},                                  // it never was a socket
	} {
		k.ended(conn)
	}
	if got, want := k.sockets(), (sockets{dropped: 3, killed: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAGatewayThatSomebodyElseKillsIsNoticed(t *testing.T) {
	k := newKills(time.Now())
	run := func(lives int) runfile.Run {
		return runfile.Run{Processes: []runfile.Process{
			{Name: "gateway-1", Role: "gateway", URL: one, Lives: lives}, {Name: "worker-1", Role: "worker", Lives: lives},
		}}
	}
	k.look(run(3), time.Second) // what was before we came is not our business
	k.look(run(4), 2*time.Second)
	k.look(run(4), 3*time.Second)
	if got := k.died[one]; len(got) != 1 || got[0] != 2*time.Second {
		t.Errorf("its deaths are %v, want one at 2s", got)
	}
	k.lives["gateway-1"] = 5 // as kill notes our own
	k.look(run(4), 4*time.Second)
	k.look(run(5), 5*time.Second)
	if got := k.died[one]; len(got) != 1 {
		t.Errorf("our own kill is noted twice: %v", got)
	}
}

func TestScreenSeesWhatIsMissingAndWhatIsThereTwice(t *testing.T) {
	var s screen
	for _, m := range []struct {
		seq  int64
		kind chatv1.MessageKind
	}{
		{1, chatv1.MessageKind_MESSAGE_KIND_CREATED},
		{2, chatv1.MessageKind_MESSAGE_KIND_TEXT},
		{2, chatv1.MessageKind_MESSAGE_KIND_TEXT},
		{5, chatv1.MessageKind_MESSAGE_KIND_TEXT},
	} {
		s.shown("c", chatclient.Shown{Message: chatclient.Message{Seq: m.seq, Kind: m.kind}})
	}
	if got, want := *s.of["c"], (column{last: 5, seen: 2, again: 1, skipped: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryBrokenPromiseIsTold(t *testing.T) {
	for _, test := range []struct {
		r                   result
		lost, twice, others int
	}{
		{result{}, 0, 0, 0},
		{result{Findings: screens.Findings{Lost: 1, Unstored: 2}, waiting: 3}, 6, 0, 0},
		{result{Findings: screens.Findings{Doubled: 1, Twice: 1}}, 0, 2, 0},
		{result{Findings: screens.Findings{Gaps: 1, Swapped: 1, Strange: 1, Stale: 1, Unread: 1, Fell: 1}}, 0, 0, 6},
		{result{sockets: sockets{killed: 9}}, 0, 0, 0},
	} {
		if test.r.lost() != test.lost || test.r.doubled() != test.twice || test.r.wrong() != test.others {
			t.Errorf("%+v: lost %d, doubled %d, otherwise wrong %d", test.r, test.r.lost(), test.r.doubled(), test.r.wrong())
		}
		if test.r.ok() != (test.lost+test.twice+test.others == 0) {
			t.Errorf("%+v is ok: %v", test.r, test.r.ok())
		}
	}
	if r := (result{sockets: sockets{dropped: 1}}); r.ok() {
		t.Error("a dropped socket is no broken promise")
	}
}

func TestLiveLineIsWrittenOverOnATerminalOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, terminal := range []bool{false, true} {
			var b bytes.Buffer
			p := &printer{out: &b, terminal: terminal}
			ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			p.live(ctx, func() live { return live{sent: 7, sockets: sockets{killed: 2}} })
			cancel()
			p.say("over")
			text := b.String()
			if over := strings.Contains(text, "\r"); over != terminal {
				t.Errorf("on a terminal: %v, written over: %v:\n%q", terminal, over, text)
			}
			if !strings.Contains(text, "sent 7") || !strings.Contains(text, "(and 2 with a killed gateway)") || !strings.HasSuffix(text, "over\n") {
				t.Errorf("wrote %q", text)
			}
			if lines := strings.Count(text, "\n"); !terminal && lines != 3 {
				t.Errorf("%d lines in 2.5 s, want 2 and the last", lines)
			}
		}
	})
}

func TestWithoutARunItSaysSoAtOnce(t *testing.T) {
	err := Run(t.Context(), Config{Data: t.TempDir()})
	if !errors.Is(err, runfile.ErrNone) || !strings.Contains(err.Error(), "make run") {
		t.Errorf("got %v", err)
	}
	err = Run(t.Context(), Config{Users: 1, Rate: -1})
	if err == nil || !strings.Contains(err.Error(), "USERS=1") || !strings.Contains(err.Error(), "RATE=-1") {
		t.Errorf("got %v", err)
	}
}

func TestBotsKeepTheirPassword(t *testing.T) {
	dir := t.TempDir()
	first, err := password(dir)
	if err != nil || len(first) < 16 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := password(dir); err != nil || again != first {
		t.Errorf("%q and then %q, %v", first, again, err)
	}
	if info, err := os.Stat(filepath.Join(dir, passwordFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}
