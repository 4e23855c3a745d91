package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process costs at one moment. Linux only.
type Usage struct {
	RSS int64         // bytes resident
	CPU time.Duration // user and system, since it began
}

// userHz is what the kernel counts CPU time in for user space, on every Linux.
const userHz = 100

// Usage reads /proc.
func (p *Process) Usage() (Usage, error) {
	pid := p.PID()
	if pid == 0 {
		return Usage{}, p.notRunning()
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("usage of %s: %w", p.Name(), err)
	}
	// After the name in parentheses: state is field 3, utime 14, stime 15, rss 24.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 22 {
		return Usage{}, fmt.Errorf("usage of %s: short /proc stat", p.Name())
	}
	var ticks, pages int64
	for _, i := range []int{11, 12} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("usage of %s: %w", p.Name(), err)
		}
		ticks += n
	}
	if pages, err = strconv.ParseInt(fields[21], 10, 64); err != nil {
		return Usage{}, fmt.Errorf("usage of %s: %w", p.Name(), err)
	}
	return Usage{
		RSS: pages * int64(os.Getpagesize()),
		CPU: time.Duration(ticks) * time.Second / userHz,
	}, nil
}
