package load

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pin puts every thread of this process on one CPU; threads and processes that
// they start inherit it. undo puts back what the process was allowed before.
func pin(cpu int) (undo func(), err error) {
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("pin: %w", err)
	}
	set.Set(cpu)
	if err := affinity(&set); err != nil {
		return nil, fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	return func() { _ = affinity(&before) }, nil
}

// affinity sets that of all threads. A thread that is being started meanwhile is in
// the list of the next round.
func affinity(set *unix.CPUSet) error {
	for known := -1; ; {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		if len(tasks) == known {
			return nil
		}
		known = len(tasks)
		for _, t := range tasks {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH {
				return err
			}
		}
	}
}
