package ws

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestIdleConnMemory measures what an idle conn costs the process after it has
// spoken once, to a handler whose stack was 6 KiB deep: awake and napping. Awake,
// the stack must shrink to 4 KiB again, for which the read goroutine must wait
// less than 1.2 KiB deep (the runtime halves a stack of which less than a quarter
// is used, 800 bytes added). The number of conns is PARLEY_TEST_IDLE_CONNS, 2000
// by default; the figure that counts is that of 15000.
func TestIdleConnMemory(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("resident memory is measured without -race and -short")
	}
	if _, err := resident(); err != nil {
		t.Skip("no /proc/self/statm: ", err)
	}
	n := 2000
	if s := os.Getenv("PARLEY_TEST_IDLE_CONNS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	limits := Limits{MaxConns: n + 10, NapAfter: -1, PingInterval: 2 * time.Second, HandshakeRate: -1}
	r := start(t, Config{Limits: limits}, &app{message: func(*Conn, *Message) { deep(6) }})
	debug.FreeOSMemory()
	before, _ := resident()
	measure := func(what string, most float64) {
		grown, _ := resident()
		for range 3 { // each collection halves what is too big
			runtime.GC()
		}
		debug.FreeOSMemory()
		after, _ := resident()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		each := func(bytes int64) float64 { return float64(bytes) / 1024 / float64(n) }
		t.Logf("%d %s conns: %.2f KiB resident each, %.2f before a collection (heap %.2f, stacks %.2f KiB)",
			n, what, each(after-before), each(grown-before), each(int64(m.HeapInuse)), each(int64(m.StackInuse)))
		if got := each(after - before); got > most && n > 10_000 { // with few, the process itself weighs too much
			t.Errorf("a conn that is %s costs %.2f KiB, want at most %.1f", what, got, most)
		}
	}
	r.crowd("idle", n)
	r.until("all have spoken", func() bool { return r.s.Stats().MessagesIn == uint64(n) })
	measure("idle", 7.5)
	if runtime.GOOS != "linux" {
		return
	}
	limits.NapAfter = tick
	if err := r.s.SetLimits(limits); err != nil {
		t.Fatal(err)
	}
	r.until("all nap", func() bool { return r.s.Stats().Napping == int64(n) })
	measure("napping", 3)
}

//go:noinline
func deep(kib int) byte {
	var b [1024]byte
	if kib > 1 {
		b[kib] = deep(kib - 1)
	}
	return b[kib/2]
}

func resident() (bytes int64, err error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b))
	pages, err := strconv.ParseInt(f[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
