package local

import (
	"sync"
	"testing"
)

// Many take blocks at once, as packages under test do.
func TestBlocksNeverMeetUntilReleased(t *testing.T) {
	var mu sync.Mutex
	var all sync.WaitGroup
	held := map[int]*Block{}
	for range 8 {
		all.Go(func() {
			for range 6 {
				b, err := FreePorts("127.0.0.1")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if held[b.Register] != nil {
					t.Errorf("two hold the block that begins at %d", b.Register)
				}
				held[b.Register] = b
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for base, b := range held {
		if guard := takeBlock("127.0.0.1", base); guard != nil {
			_ = guard.Close()
			t.Errorf("the block that begins at %d is held, and can be had", base)
		}
		b.Release()
		b.Release()
	}
}
