package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// namesDir holds, for each namespace, the files that `ip netns exec` puts in the place
// of those of /etc.
const namesDir = "/etc/netns"

// Name gives hosts names, by address, that processes in all nodes there are now can
// dial. It takes the place of an earlier call.
func (l *Lab) Name(addrs map[string]string) error {
	var hosts strings.Builder
	hosts.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, name := range slices.Sorted(maps.Keys(addrs)) {
		fmt.Fprintf(&hosts, "%s %s\n", addrs[name], name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		dir := filepath.Join(namesDir, n.Netns)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("netlab: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(hosts.String()), 0o644); err != nil {
			return fmt.Errorf("netlab: %w", err)
		}
	}
	return nil
}

// unname removes the names of one namespace, and the folder of all when it is empty.
func unname(netns string) {
	_ = os.RemoveAll(filepath.Join(namesDir, netns))
	_ = os.Remove(namesDir)
}

// named lists the namespaces that have names.
func named() (list []string) {
	entries, err := os.ReadDir(namesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
