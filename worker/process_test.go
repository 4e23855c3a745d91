package worker_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestWorkerOutlivesTheReaderOfItsLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--register", "127.0.0.1:1")
	cmd.Env = append(os.Environ(), asProcess+"=1")
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(read)
	for log.Scan() && !strings.Contains(log.Text(), "serving operators") {
	}
	read.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // is logged
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it did not end in order: %v", err)
	}
}
