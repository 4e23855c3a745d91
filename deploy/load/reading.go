package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/parley-im/parley/deploy/local/proc"
)

// reading is what the processes have used up to one moment. Of two the difference
// counts.
type reading struct {
	at              time.Time
	gateway, worker cost
	self            time.Duration // CPU of this process
	busy            time.Duration // of all CPUs, whoever used them, the host included
}

// cost is one process's.
type cost struct {
	cpu      time.Duration
	switches uint64 // times a thread of it stopped to wait
}

// read takes about a tenth of a millisecond.
func (r *rig) read() (reading, error) {
	v := reading{at: time.Now(), self: ownCPU()}
	var err error
	if v.gateway, err = costOf(r.gateway); err != nil {
		return v, err
	}
	if r.worker != nil {
		if v.worker, err = costOf(r.worker); err != nil {
			return v, err
		}
	}
	v.busy, err = busy()
	return v, err
}

// others is what the rest of the machine used.
func (v reading) others() time.Duration {
	return max(0, v.busy-v.gateway.cpu-v.worker.cpu-v.self)
}

// userHz is what the kernel counts CPU time in for user space, on every Linux.
const userHz = 100

// busy reads how long the CPUs have not been idle.
func busy() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 9 {
		return 0, fmt.Errorf("short /proc/stat: %s", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / userHz, nil
}

func costOf(p *proc.Process) (cost, error) {
	u, err := p.Usage()
	if err != nil {
		return cost{}, err
	}
	n, err := switches(p.PID())
	return cost{cpu: u.CPU, switches: n}, err
}

// switches sums the voluntary context switches of all threads. Go's threads
// hardly ever end, so nothing is forgotten.
func switches(pid int) (sum uint64, err error) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, t := range tasks {
		b, err := os.ReadFile(dir + "/" + t.Name() + "/status") // #nosec G304 -- of /proc
		if err != nil {
			continue // it has ended in this moment
		}
		_, rest, ok := bytes.Cut(b, []byte("\nvoluntary_ctxt_switches:"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 64)
		if !ok || err != nil {
			return 0, fmt.Errorf("no switches in %s", t.Name())
		}
		sum += n
	}
	return sum, nil
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// since returns the difference of two readings.
func (v reading) since(before reading) (took time.Duration, d reading) {
	d = reading{
		gateway: v.gateway.since(before.gateway), worker: v.worker.since(before.worker),
		self: v.self - before.self, busy: v.busy - before.busy,
	}
	return v.at.Sub(before.at), d
}

func (c cost) since(before cost) cost {
	return cost{cpu: c.cpu - before.cpu, switches: c.switches - before.switches}
}
