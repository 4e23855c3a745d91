package proc

import (
	"bytes"
	"fmt"
	"os"
)

// zombie reports whether a process is dead and only not waited for: in a
// container nobody may wait for orphans.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	i := bytes.LastIndexByte(stat, ')')
	return i >= 0 && len(stat) > i+2 && stat[i+2] == 'Z'
}
