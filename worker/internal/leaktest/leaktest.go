// Package leaktest ends a package's tests with a look at what is still running. It
// stands in for a library: the SDK's go.mod gets none for tests.
package leaktest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long goroutines that are about to end may take.
const patience = 3 * time.Second

// Main runs the tests and fails when they leave goroutines behind:
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := Left(patience); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "%d goroutines are left:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// Left returns the stacks of the goroutines that are not the runtime's, the testing
// package's or the caller's, once there are none or patience is over.
func Left(patience time.Duration) (stacks []string) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if stacks = running(); len(stacks) == 0 || time.Now().After(end) {
			return stacks
		}
	}
}

func running() (stacks []string) {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i > 0 && !expected(stack) { // 0 is the caller's
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// expected reports whether a stack is one that no test has started.
func expected(stack string) bool {
	for _, part := range []string{
		"testing.(*M).", "testing.runFuzzing", "testing.(*F).", "testing.tRunner(", "testing.runTests",
		"os/signal.signal_recv", "os/signal.loop", "runtime.ensureSigM", "internal/fuzz.",
	} {
		if strings.Contains(stack, part) {
			return true
		}
	}
	return false
}
