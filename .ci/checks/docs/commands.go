package docs

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A block of commands says after ```sh whether CI runs it:
//
//	```sh              is shown, not run
//	```sh run          runs to its end and must succeed
//	```sh serve=8282   must open the port, then runs until the page ends or its
//	                   next serve block begins; stopped by SIGINT (Ctrl-C) it
//	                   must end with 0. The run blocks between talk to it.
//
// All are run by bash -euo pipefail at the root of the repository, page by page.
const (
	runInfo   = "sh run"
	serveInfo = "sh serve="

	runLimit   = 5 * time.Minute // for a run block, and for a port to open
	leaveLimit = time.Minute     // from SIGINT to the end
)

// RunCommands runs the commands in all pages. The two READMEs hold the same
// ones: those of one are run.
func RunCommands(root string) (problems []string, err error) {
	pages, err := readAll(root)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range pages {
		if name != chinese {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		problems = append(problems, runPage(root, pages[name], os.Stdout)...)
	}
	return problems, nil
}

// runPage runs the blocks of one page; the first that fails ends it.
func runPage(root string, p *page, out io.Writer) (problems []string) {
	var serving *server
	leave := func() {
		if serving != nil {
			if err := serving.stop(); err != nil {
				problems = append(problems, fmt.Sprintf("%s:%d: %v", p.path, serving.line, err))
			}
			serving = nil
		}
	}
	defer func() { leave() }()

	for _, f := range p.fences {
		var err error
		if port, ok := strings.CutPrefix(f.info, serveInfo); ok {
			leave()
			fmt.Fprintf(out, "%s:%d: serve until %s is open\n", p.path, f.line, port)
			serving, err = serve(root, f, port, out)
		} else if f.info == runInfo {
			fmt.Fprintf(out, "%s:%d: run\n", p.path, f.line)
			err = runBlock(root, f, out)
		}
		if err != nil {
			return append(problems, fmt.Sprintf("%s:%d: %v", p.path, f.line, err))
		}
	}
	leave()
	return problems
}

// start begins a block in a process group of its own, as a terminal does.
func start(root string, f fence, out io.Writer) (*exec.Cmd, chan error, error) {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", strings.Join(f.code, "\n"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A child that outlives the block and holds its output is not waited for.
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return cmd, ended, nil
}

func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

func runBlock(root string, f fence, out io.Writer) error {
	cmd, ended, err := start(root, f, out)
	if err != nil {
		return err
	}
	defer kill(cmd)
	select {
	case err := <-ended:
		return err
	case <-time.After(runLimit):
		return fmt.Errorf("not done after %v", runLimit)
	}
}

// server is a serve block that runs.
type server struct {
	line    int
	address string
	cmd     *exec.Cmd
	ended   chan error
}

func serve(root string, f fence, port string, out io.Writer) (*server, error) {
	address := net.JoinHostPort("127.0.0.1", port)
	if open(address) {
		return nil, fmt.Errorf("port %s is already taken", port)
	}
	cmd, ended, err := start(root, f, out)
	if err != nil {
		return nil, err
	}
	deadline := time.After(runLimit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !open(address) {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("ended before port %s was open: %v", port, err)
		case <-deadline:
			kill(cmd)
			return nil, fmt.Errorf("port %s is not open after %v", port, runLimit)
		case <-tick.C:
		}
	}
	return &server{f.line, address, cmd, ended}, nil
}

// stop does what Ctrl-C does, to the whole group, and wants all of it gone.
func (s *server) stop() error {
	defer kill(s.cmd)
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		if err != nil && !byInterrupt(s.cmd.ProcessState) {
			return fmt.Errorf("after Ctrl-C: %w", err)
		}
	case <-time.After(leaveLimit):
		return fmt.Errorf("still there %v after Ctrl-C", leaveLimit)
	}
	if open(s.address) {
		return fmt.Errorf("ended after Ctrl-C, but %s is still open: something was left behind", s.address)
	}
	return nil
}

// byInterrupt tells whether a process ended by SIGINT itself. make and bash do,
// whatever their child made of it.
func byInterrupt(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

func open(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
