package handshake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

func TestEachKindOfRefusalIsLoggedOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k handshake.Knocks
		count := func(kind string, wantSay bool, wantUnsaid int) {
			t.Helper()
			if say, unsaid := k.Count(kind); say != wantSay || unsaid != wantUnsaid {
				t.Errorf("%s: got %v, %d unsaid, want %v, %d", kind, say, unsaid, wantSay, wantUnsaid)
			}
		}
		count("secret", true, 0)
		for range 7 {
			count("secret", false, 0)
		}
		count("cluster", true, 0)
		time.Sleep(time.Second)
		count("secret", true, 7)
		count("secret", false, 0)
	})
}
