package route_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/internal/route"
)

func find(t *route.Table, kind route.Kind, name string) []int {
	return slices.Collect(t.Find(route.Slots{}, kind, name).All())
}

func TestNameHasTheSlotsThatSaidSo(t *testing.T) {
	var table route.Table
	for _, slot := range []int{0, 5, 63, 64, 70, 200} {
		table.Set(slot, route.User, []byte("ann"), true)
		table.Set(slot, route.User, []byte("ann"), true) // said twice
	}
	table.Set(3, route.Group, []byte("ann"), true)
	table.Set(5, route.User, []byte("ann"), false)
	table.Set(5, route.User, []byte("ann"), false)

	if got, want := find(&table, route.User, "ann"), []int{0, 63, 64, 70, 200}; !slices.Equal(got, want) {
		t.Errorf("user: got %v, want %v", got, want)
	}
	if got, want := find(&table, route.Group, "ann"), []int{3}; !slices.Equal(got, want) {
		t.Errorf("group of the same name: got %v, want %v", got, want)
	}
	if got := find(&table, route.User, "bob"); got != nil {
		t.Errorf("unknown user: got %v", got)
	}
}

func TestClearTakesOneSlotOnly(t *testing.T) {
	var table route.Table
	for slot := range 70 {
		for i := range 100 {
			table.Set(slot, route.Kind(i%2), fmt.Appendf(nil, "n%d", i), true)
		}
	}
	table.Clear(66)
	table.Clear(7)
	table.Clear(7)
	for i := range 100 {
		got := table.Find(route.Slots{}, route.Kind(i%2), fmt.Sprintf("n%d", i))
		if got.Len() != 68 || got.Has(7) || got.Has(66) || !got.Has(6) || !got.Has(69) {
			t.Fatalf("n%d: got %v", i, slices.Collect(got.All()))
		}
	}
	if n := table.Names(7); n != 0 {
		t.Errorf("names of a cleared slot: got %d", n)
	}
	if n := table.Names(8); n != 100 {
		t.Errorf("names of another slot: got %d, want 100", n)
	}
}

func TestTableAgreesWithAPlainMap(t *testing.T) {
	var table route.Table
	plain := map[string]map[int]bool{}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		name, slot, present := fmt.Sprintf("n%d", rng.IntN(50)), rng.IntN(130), rng.IntN(2) == 0
		table.Set(slot, route.User, []byte(name), present)
		if plain[name] == nil {
			plain[name] = map[int]bool{}
		}
		plain[name][slot] = present
	}
	for name, slots := range plain {
		found := table.Find(route.Slots{}, route.User, name)
		for slot := range 130 {
			if found.Has(slot) != slots[slot] {
				t.Fatalf("%s on %d: got %v, want %v", name, slot, found.Has(slot), slots[slot])
			}
		}
	}
}

func TestManyWriteAndReadAtOnce(t *testing.T) {
	var table route.Table
	var wg sync.WaitGroup
	for slot := range 8 {
		wg.Go(func() {
			for i := range 500 {
				table.Set(slot*20, route.User, fmt.Appendf(nil, "n%d", i%40), i%3 != 0)
				table.Find(route.Slots{}, route.User, "n7")
				if i%100 == 0 {
					table.Clear(slot * 20)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkFind(b *testing.B) {
	for _, gateways := range []int{8, 50, 100} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) {
			var table route.Table
			names := make([]string, 100_000)
			for i := range names {
				names[i] = fmt.Sprintf("user-%d", i)
				table.Set(i%gateways, route.User, []byte(names[i]), true)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if table.Find(route.Slots{}, route.User, names[i%len(names)]).Len() != 1 {
					b.Fatal("lost")
				}
				i++
			}
		})
	}
}

// Whoever watches asks who is there by a roster that changes before the table does. So
// each change counts: with only the first and the last claim of a user told, one who came
// to another gateway while the first was on its way out would never have come.
func TestEveryChangeOfAUserIsTold(t *testing.T) {
	var told []string
	table := &route.Table{}
	table.WatchUsers(func(user string) { told = append(told, user) })
	set := func(slot int, kind route.Kind, name string, present bool) func() {
		return func() { table.Set(slot, kind, []byte(name), present) }
	}
	for _, step := range []struct {
		what string
		do   func()
		want []string
	}{
		{"the first gateway", set(0, route.User, "ann", true), []string{"ann"}},
		{"the same again", set(0, route.User, "ann", true), nil},
		{"a second gateway", set(1, route.User, "ann", true), []string{"ann"}},
		{"a gateway of another page", set(64, route.User, "ann", true), []string{"ann"}},
		{"a group", set(0, route.Group, "ann", true), nil},
		{"no longer on the first", set(0, route.User, "ann", false), []string{"ann"}},
		{"nobody was there", set(2, route.User, "ann", false), nil},
		{"a gateway has left", func() { table.Clear(1) }, []string{"ann"}},
		{"a gateway has left with groups only", func() { table.Clear(0) }, nil},
		{"the last one", set(64, route.User, "ann", false), []string{"ann"}},
	} {
		told = nil
		if step.do(); !slices.Equal(told, step.want) {
			t.Errorf("%s: told %v, want %v", step.what, told, step.want)
		}
	}
	table.Set(0, route.User, []byte("bob"), true)
	table.Set(1, route.User, []byte("bob"), true)
	told = nil
	if table.Clear(1); !slices.Equal(told, []string{"bob"}) {
		t.Errorf("one of two gateways has left: told %v", told)
	}
}
