package store_test

import (
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat/store/storetest"
)

func TestTwoProcessesMigrateAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := d.Open(t).Ready(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
}
