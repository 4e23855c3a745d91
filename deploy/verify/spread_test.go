package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/compare"
	"github.com/parley-im/parley/proto/faultpoint"
)

// moved makes n moves, closed evenly over took and with delays even over longest.
func moved(n int, took, longest time.Duration) (list []move) {
	for i := range n {
		m := move{from: "a", to: "b", at: time.Second + took*time.Duration(i)/time.Duration(n), delay: longest * time.Duration(i) / time.Duration(n)}
		m.back = m.at + m.delay + time.Millisecond
		list = append(list, m)
	}
	return list
}

func TestLawsOfADrain(t *testing.T) {
	const window = 3 * time.Second
	good := moved(120, window, window)
	halting := moved(120, window, window) // half of them come together
	for i := range 60 {
		halting[30+i].at = halting[30].at
	}
	early, missing, back := moved(9, window, window), moved(9, window, window), moved(9, window, window)
	early[3].back = early[3].at
	missing[3].back = 0
	back[3].to = "a"
	for _, c := range []struct {
		what, broken string
		want         string // in broken; "": nothing is
	}{
		{"even closes", paced(good, window), ""},
		{"nobody", paced(nil, window), "nobody was asked"},
		{"all at once", paced(moved(120, time.Millisecond, window), window), "the closes took 1ms"},
		{"too slow", paced(moved(120, 2*window, window), window), "the closes took"},
		{"halting", paced(halting, window), "were closed in part"},
		{"even delays", delayed(good, window), ""},
		{"delays of a half", delayed(moved(120, window, window/2), window), "by quarter of the window"},
		{"delays beyond", delayed(moved(120, window, 2*window), window), "was to stay away for"},
		{"patient clients", patient(good), ""},
		{"one too early", patient(early), "was back after"},
		{"one who is not back", patient(missing), "not back"},
		{"one who is back where he was", patient(back), "where he came from"},
		{"level", level(map[string]int{"a": 80, "b": 86}, []string{"a", "b"}, 83, 166), ""},
		{"a herd", level(map[string]int{"a": 166}, []string{"a", "b"}, 83, 166), "a has 166, want 83 ± 26"},
	} {
		if c.want == "" && c.broken != "" || !strings.Contains(c.broken, c.want) {
			t.Errorf("%s: %q, want %q", c.what, c.broken, c.want)
		}
	}
}

// What is broken beside a weakness is not what catches it.
func TestMoveSabotageIsCaughtByWhatItBreaksOnly(t *testing.T) {
	clean, lost := compare.Findings{Sent: 9}, compare.Findings{Sent: 9, Lost: 2}
	atOnce := []string{"the closes took 3ms, want about the window of 3s"}
	for _, c := range []struct {
		weakness faultpoint.Weakness
		findings compare.Findings
		problems []string
		want     bool
	}{
		{faultpoint.MoveAtOnce, clean, atOnce, true},
		{faultpoint.MoveAtOnce, clean, nil, false},
		{faultpoint.MoveAtOnce, lost, atOnce, false},
		{faultpoint.MoveAtOnce, clean, append(atOnce, "and more"), false},
		{faultpoint.MoveDeaf, lost, atOnce, true},
		{faultpoint.MoveDeaf, clean, atOnce, false},
		{faultpoint.MoveDeaf, compare.Findings{Sent: 9, Lost: 2, Doubled: 1}, nil, false},
		{faultpoint.NoTerms, lost, atOnce, false},
	} {
		if got := movesCaught(c.weakness, c.findings, c.problems); got != c.want {
			t.Errorf("%s, %+v, %q: caught %v, want %v", c.weakness, c.findings, c.problems, got, c.want)
		}
	}
}

// What met a close on its way is left out on both sides; an answer to it would be strange.
func TestFramesThatCrossedACloseAreLeftOut(t *testing.T) {
	log := client.Log{Sent: []client.Mark{{N: 1}, {N: 2}, {N: 3}, {N: 4}}, Got: []client.Mark{{N: 1}, {N: 4}}}
	if f := compare.Logs([]client.Log{without(log, map[uint64]bool{2: true, 3: true})}); !f.Clean() || f.Sent != 2 {
		t.Errorf("got %+v", f)
	}
	if f := compare.Logs([]client.Log{without(log, map[uint64]bool{2: true})}); f.Lost != 1 {
		t.Errorf("a frame that did not cross: %+v", f)
	}
	log.Got = append(log.Got, client.Mark{N: 2})
	if f := compare.Logs([]client.Log{without(log, map[uint64]bool{2: true, 3: true})}); f.Strange != 1 {
		t.Errorf("an answer behind a close: %+v", f)
	}
}

func TestDelayOfAMoveIsRead(t *testing.T) {
	if d, err := delayIn("retry-after-ms=1234"); d != 1234*time.Millisecond || err != nil {
		t.Errorf("got %v, %v", d, err)
	}
	for _, bad := range []string{"", "retry-after-ms=", "retry-after-ms=-1", "retry-after-ms=9999999999999", "soon"} {
		if d, err := delayIn(bad); err == nil {
			t.Errorf("%q: got %v", bad, d)
		}
	}
}
