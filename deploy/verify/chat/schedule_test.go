package chat

import (
	"reflect"
	"testing"
	"time"
)

var four = Counts{Workers: 3, Gateways: 2, Registers: 1, NATS: 1, Database: 1, People: 1}

func TestSameSeedGivesTheSameSchedule(t *testing.T) {
	if a, b := Schedule(7, 40, four), Schedule(7, 40, four); !reflect.DeepEqual(a, b) {
		t.Error("two schedules of one seed differ")
	}
	if a, b := Schedule(7, 40, four), Schedule(8, 40, four); reflect.DeepEqual(a, b) {
		t.Error("two seeds give one schedule")
	}
}

func TestEveryRoleIsStruckAndOneIsLeftAlone(t *testing.T) {
	for seed := range uint64(50) {
		struck := map[Role]bool{}
		busy := map[Role]map[int]time.Duration{}
		for _, f := range Schedule(seed, 30, four) {
			struck[f.Role] = true
			if busy[f.Role] == nil {
				busy[f.Role] = map[int]time.Duration{}
			}
			down := 0
			for i, until := range busy[f.Role] {
				if until > f.At {
					down++
					if i == f.Index {
						t.Fatalf("seed %d: %v comes while the one before lasts", seed, f)
					}
				}
			}
			if four[f.Role] > 1 && down+1 == four[f.Role] {
				t.Fatalf("seed %d: %v leaves nobody alone", seed, f)
			}
			busy[f.Role][f.Index] = f.At + f.For
		}
		if len(struck) != len(four) {
			t.Fatalf("seed %d: 30 faults struck only %v", seed, struck)
		}
	}
}
