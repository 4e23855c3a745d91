package browser

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gone waits until no process is left that was started with this home, and fails
// the test when one stays. Linux only: elsewhere it knows nothing.
func gone(t *testing.T, home string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := living(home)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still there after the play:\n%s", strings.Join(left, "\n"))
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// living returns the processes in whose environment or command line home is.
func living(home string) (left []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file) // nothing when it ended in this moment, or is somebody else's
		cmd, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if bytes.Contains(env, []byte("HOME="+home)) || bytes.Contains(cmd, []byte(home)) {
			left = append(left, fmt.Sprintf("%s %s", filepath.Base(filepath.Dir(file)), bytes.ReplaceAll(cmd, []byte{0}, []byte(" "))))
		}
	}
	return left
}
