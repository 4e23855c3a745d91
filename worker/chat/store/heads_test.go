package store_test

import (
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// TestHeadsTellOfWhatWasUnderWay looks while a transaction has taken its time and not
// committed: this look cannot see it, so the next one has to.
func TestHeadsTellOfWhatWasUnderWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		writer, reader := d.Open(t), d.Open(t)
		p := people(t, writer, "liubei", "guanyu", "zhangfei")
		g, err := addGroup(t, writer, p[0], "group", p[1].User)
		if err != nil {
			t.Fatal(err)
		}
		var first chat.Heads
		var once sync.Once
		writer.BeforeWrite("outbox", func() {
			once.Do(func() {
				var err error
				if first, err = reader.Heads(t.Context(), p[1], chat.Cursor{}, 10); err != nil {
					t.Error(err)
				}
			})
		})
		if _, err := writer.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[2].User}, "add"); err != nil {
			t.Fatal(err)
		}
		for _, v := range first.Views {
			if v.ID == g.ID && v.Seq != 1 {
				t.Fatalf("the look saw what was not committed: %+v", v)
			}
		}
		second, err := reader.Heads(t.Context(), p[1], first.Next, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range second.Views {
			if v.ID == g.ID && v.Seq == 2 && v.Members == 3 {
				return
			}
		}
		t.Errorf("the next look misses it: %+v", second.Views)
	})
}
