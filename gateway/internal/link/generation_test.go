package link

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// A key is taken back although a generation ended between first and forget; it is
// remembered for one generation at least, and not for ever.
func TestOnceKeysOverGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOnce()
		key, other := record.Once{1}, record.Once{2}
		o.first(key)
		time.Sleep(onceGeneration + 1)
		o.first(other) // begins a generation
		if o.first(key) {
			t.Error("forgotten after one generation")
		}
		o.forget(key)
		if !o.first(key) {
			t.Error("taken back, and still known")
		}
		time.Sleep(onceGeneration + 1)
		o.first(record.Once{3})
		time.Sleep(onceGeneration + 1)
		o.first(record.Once{4})
		if !o.first(key) {
			t.Error("remembered for more than two generations")
		}
	})
}
