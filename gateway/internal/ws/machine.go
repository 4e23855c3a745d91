package ws

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// descriptors is how many the process may have.
func descriptors() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 10_000
	}
	return int64(min(limit.Cur, math.MaxInt32))
}

// shares is how many conns, and handshakes beside them, that many descriptors have
// room for. A sixteenth, at least 64, is no conn's; of that, handshakes may take
// half, up to maxHandshakes, and a quarter is spare: for connections of another kind
// that come from anybody. The rest is for links, logs and whoever is told no.
func shares(descriptors int64) (conns, handshakes, spare int) {
	reserve := max(descriptors/16, 64)
	return int(max(descriptors-reserve, 16)), int(min(reserve/2, maxHandshakes)), int(reserve / 4)
}

// SpareDescriptors is how many a stranger may hold who is no client.
func SpareDescriptors() int {
	_, _, spare := shares(descriptors())
	return spare
}

// memory is how many bytes the process may use: GOMEMLIMIT, its cgroup's limit
// or the machine's memory, whichever is least.
func memory() int64 {
	least := debug.SetMemoryLimit(-1)
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
			least = min(least, n)
		}
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				least = min(least, kib<<10)
			}
		}
	}
	if least == math.MaxInt64 {
		return 4 << 30
	}
	return max(least, 64<<20)
}
