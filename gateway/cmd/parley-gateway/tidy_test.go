package main

import "testing"

// What a gateway sees every two seconds, and when it tidies.
func TestMemoryIsGivenBackWhenAStormIsOver(t *testing.T) {
	const mib = 1 << 20
	for name, seen := range map[string][]struct {
		sight
		tidies bool
	}{
		"a storm, then silence": {
			{sight{1 * mib, 1, 40}, false},
			{sight{30 * mib, 3, 4_000}, false},
			{sight{60 * mib, 4, 8_000}, false}, // it goes on
			{sight{61 * mib, 4, 8_000}, true},  // it is over
			{sight{62 * mib, 5, 7_500}, true},  // what pools held
			{sight{62 * mib, 6, 7_000}, false}, // those collections were its own
			{sight{62 * mib, 6, 6_400}, true},  // conns have fallen silent
			{sight{70 * mib, 7, 6_400}, false}, // another storm, before the second time
			{sight{71 * mib, 8, 6_400}, true},
			{sight{71 * mib, 9, 6_000}, false}, // too few
		},
		"a collection of the runtime's own": {
			{sight{1 * mib, 1, 40}, false},
			{sight{20 * mib, 2, 40}, false},
			{sight{22 * mib, 3, 40}, false}, // nothing has gathered since
			{sight{24 * mib, 3, 40}, false},
		},
		"traffic that goes on": {
			{sight{1 * mib, 1, 40}, false},
			{sight{10 * mib, 1, 40}, false},
			{sight{20 * mib, 1, 40}, false},
			{sight{30 * mib, 1, 40}, false},
		},
		"pings of an idle gateway": {
			{sight{1 * mib, 1, 40}, false},
			{sight{3 * mib, 1, 40}, false},
			{sight{5 * mib, 1, 700}, false},
			{sight{7 * mib, 1, 40}, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var u usage
			for i, s := range seen {
				got := u.worth(s.sight)
				if got != s.tidies {
					t.Errorf("look %d: tidies %v, want %v", i, got, s.tidies)
				}
				if got {
					s.collected++
					u.tidied(s.sight)
				}
			}
		})
	}
}
