package figures

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is where a measurement was made, and what else it was doing.
type Machine struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	OS     string `json:"os"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Load   string `json:"load"` // averages of 1, 5 and 15 minutes before the measurement
}

// ThisMachine looks around; what it cannot find out stays empty.
func ThisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU(), OS: runtime.GOOS, Go: runtime.Version(), Kernel: first("/proc/sys/kernel/osrelease", 1), Load: first("/proc/loadavg", 3)}
	info, _ := os.ReadFile("/proc/cpuinfo") // not there: nothing is known
	for line := range bytes.Lines(info) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(name)) == "model name" {
			m.CPU = string(bytes.TrimSpace(value))
			break
		}
	}
	return m
}

// first returns the first n words of a file.
func first(file string, n int) string {
	b, _ := os.ReadFile(file) // #nosec G304 -- of /proc; not there: nothing is known
	words := strings.Fields(string(b))
	return strings.Join(words[:min(n, len(words))], " ")
}

func (m Machine) String() string {
	return fmt.Sprintf("%d × %s, %s %s, %s; load before: %s", m.CPUs, m.CPU, m.OS, m.Kernel, m.Go, m.Load)
}
