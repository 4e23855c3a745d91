package compare

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
)

// forged makes a log of n frames sent 10 ms apart, answered in the order of got.
func forged(n int, got ...uint64) client.Log {
	log := client.Log{Name: "forged"}
	for i := range n {
		log.Sent = append(log.Sent, client.Mark{N: uint64(i) + 1, At: time.Duration(i) * 10 * time.Millisecond})
	}
	for i, g := range got {
		log.Got = append(log.Got, client.Mark{N: g, At: time.Duration(i)*10*time.Millisecond + 5*time.Millisecond, By: "w1"})
	}
	return log
}

func TestEachForgeryIsFound(t *testing.T) {
	dropped := forged(2, 1, 2)
	dropped.Ended, dropped.EndedAt = "EOF", time.Second
	odd := forged(2, 1, 2)
	odd.Odd = []string{"somebody else's"}
	for _, test := range []struct {
		name string
		log  client.Log
		want Findings
	}{
		{"nothing wrong", forged(4, 1, 2, 3, 4), Findings{}},
		{"one lost", forged(4, 1, 2, 4), Findings{Lost: 1}},
		{"the last unanswered", forged(4, 1, 2, 3), Findings{Unanswered: 1}},
		{"none answered", forged(3), Findings{Unanswered: 3}},
		{"one doubled", forged(4, 1, 2, 2, 3, 4), Findings{Doubled: 1}},
		{"doubled much later", forged(4, 1, 2, 3, 4, 1), Findings{Doubled: 1}},
		{"tripled", forged(2, 1, 1, 1, 2), Findings{Doubled: 2}},
		{"two swapped", forged(4, 1, 3, 2, 4), Findings{Swapped: 1}},
		{"all backwards", forged(3, 3, 2, 1), Findings{Swapped: 2}},
		{"doubled hides no loss", forged(4, 1, 2, 2, 4), Findings{Lost: 1, Doubled: 1}},
		{"never sent", forged(2, 1, 2, 7), Findings{Strange: 1}},
		{"number nought", forged(2, 1, 0, 2), Findings{Strange: 1}},
		{"another's frame", odd, Findings{Strange: 1}},
		{"socket dropped", dropped, Findings{Dropped: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := Logs([]client.Log{test.log})
			got := Findings{
				Lost: f.Lost, Unanswered: f.Unanswered, Doubled: f.Doubled,
				Swapped: f.Swapped, Strange: f.Strange, Dropped: f.Dropped,
			}
			if got != test.want {
				t.Errorf("found %+v, want %+v", got, test.want)
			}
			if f.Clean() != (test.want == Findings{}) || f.Clean() != (f.First == nil) {
				t.Errorf("clean %v, first broken %+v: they disagree with %+v", f.Clean(), f.First, test.want)
			}
			if f.Received != len(test.log.Got) {
				t.Errorf("received %d, want all %d that came: it must count before it removes repeats", f.Received, len(test.log.Got))
			}
		})
	}
}

func TestFirstBrokenIsTheEarliestOfAllConns(t *testing.T) {
	late, early := forged(200, 1, 2, 3), forged(20, 1, 3)
	late.Name, early.Name = "late", "early"
	f := Logs([]client.Log{late, early})
	if f.First == nil || f.First.Conn != "early" || f.First.N != 2 || f.First.What != "lost" {
		t.Fatalf("first broken: %+v, want frame 2 lost on conn early", f.First)
	}
	lines := strings.Join(f.First.Lines, "\n")
	for _, want := range []string{"sent 2", "got  3 w1"} {
		if !strings.Contains(lines, want) {
			t.Errorf("timeline lacks %q:\n%s", want, lines)
		}
	}
}

func TestPauseIsTheLongestWaitForAFirstReply(t *testing.T) {
	log := forged(3, 1, 2, 3)
	log.Got[1].At = log.Sent[1].At + 1700*time.Millisecond
	log.Got[2].At = log.Got[1].At
	log.Got = append(log.Got, client.Mark{N: 1, At: time.Minute}) // a repeat is no wait
	f := Logs([]client.Log{log})
	if f.Pause != 1700*time.Millisecond || f.PauseConn != "forged" {
		t.Errorf("longest pause %v on %q, want 1.7s on forged", f.Pause, f.PauseConn)
	}
}

func TestNothingSentIsNotClean(t *testing.T) {
	if Logs(nil).Clean() || Logs([]client.Log{forged(0)}).Clean() {
		t.Error("a run that sent nothing proves nothing")
	}
}
