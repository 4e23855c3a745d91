package handshake

import (
	"errors"
	"strings"
	"testing"
)

func TestEachEndLearnsWhoTheOtherIs(t *testing.T) {
	for _, tt := range []struct {
		name     string
		d, l     side
		attempts int
	}{
		{"one secret", worker("s3cret-one"), gateway("s3cret-one"), 1},
		{"no secret on both ends", worker(), gateway(), 1},
		{"listener already has the next secret", worker("old"), gateway("old", "new"), 1},
		{"listener has moved on and takes the old one", worker("old"), gateway("new", "old"), 1},
		{"dialler has moved on", worker("new", "old"), gateway("old", "new"), 1},
		{"dialler is ahead of the listener", worker("new", "old"), gateway("old"), 2},
		{"listener has dropped the old one", worker("old", "new"), gateway("new"), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for attempt := range tt.attempts {
				tt.d.attempt = attempt
				o := run(t, tt.d, tt.l, nil)
				if last := attempt == tt.attempts-1; !last {
					if !errors.Is(o.dial, ErrSecret) || !errors.Is(o.accept, ErrSecret) {
						t.Fatalf("attempt %d: got %v and %v, want wrong secret at both ends", attempt, o.dial, o.accept)
					}
					continue
				}
				if o.dial != nil || o.accept != nil {
					t.Fatalf("attempt %d: dialler %v, listener %v", attempt, o.dial, o.accept)
				}
				if o.peerOfDialler.Node != "gw-1" || o.peerOfDialler.Boot != 22 || len(o.peerOfDialler.Features) != 2 || o.peerOfDialler.Major != Major {
					t.Errorf("dialler sees %+v", o.peerOfDialler)
				}
				if o.peerOfListener.Node != "w-1" || o.peerOfListener.Boot != 11 || o.peerOfListener.Build != "test" {
					t.Errorf("listener sees %+v", o.peerOfListener)
				}
			}
		})
	}
}

func TestWhatDiffersIsRefusedInOneLine(t *testing.T) {
	with := func(s side, change func(*side)) side { change(&s); return s }
	for _, tt := range []struct {
		name         string
		d, l         side
		want         error
		dial, accept string // what the lines must say
	}{
		{"wrong secret", worker("aaaa1111"), gateway("bbbb2222"), ErrSecret, "gateway gw-1: refused: wrong secret", "worker w-1 proved itself with a secret this process does not know: wrong secret"},
		{"only the listener has a secret", worker(), gateway("bbbb2222"), ErrSecret, "wrong secret", "worker w-1 has no secret"},
		{"only the dialler has a secret", worker("aaaa1111"), gateway(), ErrSecret, "wrong secret", "this process has none"},
		{"an empty secret is no secret", worker(""), gateway("bbbb2222"), ErrSecret, "wrong secret", "has no secret"},
		{"a listener of empty secrets takes nobody", worker(), gateway(""), ErrSecret, "wrong secret", "has no secret"},
		{"wrong cluster", with(worker(shared), func(s *side) { s.id.Cluster = "test" }), gateway(shared), ErrCluster,
			`gateway gw-1 is of cluster "main", this process of "test": wrong cluster`, `worker w-1 is of cluster "test", this process of "main": wrong cluster`},
		{"wrong major", with(worker(shared), func(s *side) { s.id.Major, s.id.Minor = 2, 7 }), gateway(shared), ErrMajor,
			"gateway gw-1 speaks version 1.0, this process 2.7", "worker w-1 speaks version 2.7, this process 1.0"},
		{"wrong boot", with(worker(shared), func(s *side) { s.expect = 21 }), gateway(shared), ErrBoot,
			"gateway gw-1: boot 0000000000000015 was meant, 0000000000000016 is here", "boot 0000000000000015 was meant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := run(t, tt.d, tt.l, nil)
			if !errors.Is(o.dial, tt.want) || !strings.Contains(o.dial.Error(), tt.dial) {
				t.Errorf("dialler: got %q, want %q within", o.dial, tt.dial)
			}
			if tt.want == ErrSecret || !strings.Contains(o.accept.Error(), "wait for") { // a dialler may hang up first
				if !errors.Is(o.accept, tt.want) || !strings.Contains(o.accept.Error(), tt.accept) {
					t.Errorf("listener: got %q, want %q within", o.accept, tt.accept)
				}
			}
			if !Final(o.dial) {
				t.Error("the dialler thinks that trying again may help")
			}
		})
	}
}

func TestDiallerOfAnEmptySecretTakesNobody(t *testing.T) {
	for attempt := range 2 {
		d := worker("", "")
		d.attempt = attempt
		if o := run(t, d, gateway(), nil); !errors.Is(o.dial, ErrSecret) {
			t.Errorf("got %v, want wrong secret", o.dial)
		}
	}
}

func TestTheBootThatIsMeantIsTaken(t *testing.T) {
	d := worker(shared)
	d.expect = 22
	if o := run(t, d, gateway(shared), nil); o.dial != nil || o.accept != nil {
		t.Fatalf("dialler %v, listener %v", o.dial, o.accept)
	}
}

func TestIdentityThatNoPeerWouldTakeFailsAtHome(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Identity)
	}{
		{"no role", func(id *Identity) { id.Role = "" }},
		{"no node", func(id *Identity) { id.Node = "" }},
		{"no boot", func(id *Identity) { id.Boot = 0 }},
		{"long cluster", func(id *Identity) { id.Cluster = strings.Repeat("c", MaxStringBytes+1) }},
		{"long build", func(id *Identity) { id.Build = strings.Repeat("b", MaxStringBytes+1) }},
		{"control character", func(id *Identity) { id.Node = "a\nb" }},
		{"not UTF-8", func(id *Identity) { id.Node = "\xff" }},
		{"many features", func(id *Identity) { id.Features = make([]string, MaxFeatures+1) }},
		{"long feature", func(id *Identity) { id.Features = []string{strings.Repeat("f", MaxStringBytes+1)} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, l := worker(shared), gateway(shared)
			tt.change(&d.id)
			if err := d.id.Validate(); !errors.Is(err, ErrInvalid) {
				t.Errorf("Validate: got %v", err)
			}
			if o := run(t, d, l, nil); !errors.Is(o.dial, ErrInvalid) {
				t.Errorf("Dial: got %v", o.dial)
			}
		})
	}
	most := Identity{Role: strings.Repeat("r", MaxStringBytes), Node: "n", Boot: 1, Features: make([]string, MaxFeatures)}
	if err := most.Validate(); err != nil {
		t.Errorf("the largest identity: %v", err)
	}
}

func TestNewBootIsRandomAndNotZero(t *testing.T) {
	if a, b := NewBoot(), NewBoot(); a == 0 || b == 0 || a == b {
		t.Errorf("got %x and %x", a, b)
	}
}
