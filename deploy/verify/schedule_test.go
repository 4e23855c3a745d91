package verify

import (
	"reflect"
	"testing"
	"time"
)

func TestScheduleIsRepeatableAndLeavesAWorkerAlone(t *testing.T) {
	for seed := range uint64(50) {
		list := Schedule(seed, 60, 3, 3*time.Second, true)
		if !reflect.DeepEqual(list, Schedule(seed, 60, 3, 3*time.Second, true)) {
			t.Fatalf("seed %d: two schedules", seed)
		}
		if len(list) != 60 {
			t.Fatalf("seed %d: %d faults, want 60", seed, len(list))
		}
		seen := map[Kind]int{}
		long := false
		for i, f := range list {
			seen[f.Kind]++
			long = long || f.For > 3*time.Second
			if i > 0 && f.At < list[i-1].At {
				t.Errorf("seed %d: %v comes after %v", seed, list[i-1], f)
			}
			ill := map[int]bool{}
			for _, other := range list[:i] {
				if other.At <= f.At && f.At < other.At+other.For {
					if other.Worker == f.Worker {
						t.Errorf("seed %d: %v while %v", seed, f, other)
					}
					ill[other.Worker] = true
				}
			}
			if ill[f.Worker] = true; len(ill) == 3 {
				t.Errorf("seed %d: all three are ill at %v", seed, f)
			}
		}
		for _, k := range kinds(true) {
			if seen[k] < 4 {
				t.Errorf("seed %d: only %d times %q", seed, seen[k], k)
			}
		}
		if !long {
			t.Errorf("seed %d: nothing is longer than patience", seed)
		}
	}
}

func TestScheduleWithoutCutsDropsNoPackets(t *testing.T) {
	for _, f := range Schedule(1, 30, 3, time.Second, false) {
		if f.Kind.cuts() {
			t.Errorf("%v needs root", f)
		}
	}
}

func TestOneWorkerIsEnoughForASchedule(t *testing.T) {
	if list := Schedule(1, 5, 1, time.Second, false); len(list) != 5 {
		t.Errorf("%d faults, want 5", len(list))
	}
}
