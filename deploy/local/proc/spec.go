package proc

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Spec says what a process is.
type Spec struct {
	Name  string   // unique in its fleet; what its log lines are called by
	Path  string   // of the program
	Args  []string // without the program's name
	Env   []string // KEY=VALUE, over those of this process
	Ops   string   // host:port that answers /readyz and /metrics; "": ready once it runs
	Netns string   // Linux, root: the network namespace it lives in
}

// command makes the command of one life. Its process leads a group of its own,
// so that a Ctrl-C on the terminal reaches the supervisor alone.
func (s Spec) command() *exec.Cmd {
	path, args := s.Path, s.Args
	if s.Netns != "" {
		path, args = "ip", append([]string{"netns", "exec", s.Netns, s.Path}, s.Args...)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	// A child of the child may hold the pipes open; the log is not worth waiting for it.
	cmd.WaitDelay = time.Second
	return cmd
}
