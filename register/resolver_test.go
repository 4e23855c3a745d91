package register

import (
	"testing"

	"github.com/parley-im/parley/register/handshake"
)

func TestAddressCarriesHostForTLSAndBoot(t *testing.T) {
	for addr, host := range map[string]string{"10.0.0.1:2900": "10.0.0.1", "[::1]:2900": "::1", "worker.example:2900": "worker.example"} {
		a, other := addressOf(Member{Addr: addr, Boot: 7}), addressOf(Member{Addr: addr, Boot: 8})
		if a.Addr != addr || a.ServerName != host {
			t.Errorf("%s: got %+v", addr, a)
		}
		if boot, ok := handshake.BootOf(a.Attributes); !ok || boot != 7 {
			t.Errorf("%s: boot %d, %v", addr, boot, ok)
		}
		if a.Equal(other) {
			t.Errorf("%s: another process at the same address shares its connection", addr)
		}
	}
}
