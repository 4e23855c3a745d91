package netlab

import (
	"context"
	"strconv"
	"strings"
	"syscall"
)

// sweep removes what runs that were killed have left: names tell whose it was.
func sweep(ctx context.Context) {
	list, err := ip(ctx, "netns", "list")
	if err == nil {
		for line := range strings.Lines(list) {
			if name, _, _ := strings.Cut(strings.TrimSpace(line), " "); orphaned(name) {
				_, _ = ip(ctx, "netns", "del", name)
			}
		}
	}
	for _, name := range named() {
		if orphaned(name) {
			unname(name)
		}
	}
	list, err = ip(ctx, "-o", "link", "show", "type", "bridge")
	if err != nil {
		return
	}
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 1 {
			if name := strings.TrimSuffix(fields[1], ":"); orphaned(name) {
				_, _ = ip(ctx, "link", "del", name)
			}
		}
	}
}

// orphaned reports whether name was made by a process that is gone.
func orphaned(name string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return false
	}
	digits, _, ok := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(digits)
	return ok && err == nil && syscall.Kill(pid, 0) == syscall.ESRCH
}
