package netlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// ErrUnavailable is wrapped by the error of New where packets cannot be dropped.
var ErrUnavailable = errors.New("packets cannot be dropped here")

// prefix begins the names of everything a lab makes; the maker's pid follows.
const prefix = "ply"

// Lab is a bridge with namespaces on it.
type Lab struct {
	bridge string
	subnet string // the first three bytes of an IPv4 address

	mu    sync.Mutex
	nodes []*Node
}

// Node is one namespace.
type Node struct {
	Netns string // for `ip netns exec`, and proc.Spec
	Addr  string // its address on the bridge
	cable string // the host's end
	lab   *Lab
}

// labs counts those of this process, so that each has a subnet and a name.
var (
	labsMu sync.Mutex
	labs   int
)

// New makes an empty lab.
func New(ctx context.Context) (*Lab, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	sweep(ctx)
	labsMu.Lock()
	n := labs
	labs++
	labsMu.Unlock()
	var err error
	// 198.18.0.0/15 is reserved for tests of this kind. Another lab may have the
	// subnet: then the next one is tried.
	for try := range 64 {
		slot := (os.Getpid()*7 + n + try*13) % 510
		l := &Lab{
			bridge: fmt.Sprintf("%s%d-%d", prefix, os.Getpid(), n),
			subnet: fmt.Sprintf("198.%d.%d", 18+slot/255, slot%255),
		}
		if out, e := ip(ctx, "route", "show", l.subnet+".0/24"); e == nil && out != "" {
			err = fmt.Errorf("subnet %s.0/24 is in use", l.subnet)
			continue
		}
		if err = l.build(ctx); err == nil {
			return l, nil
		}
		l.Close()
	}
	return nil, fmt.Errorf("netlab: %w", err)
}

func (l *Lab) build(ctx context.Context) error {
	for _, args := range [][]string{
		{"link", "add", l.bridge, "type", "bridge"},
		{"addr", "add", l.Host() + "/24", "dev", l.bridge},
		{"link", "set", l.bridge, "up"},
	} {
		if _, err := ip(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// Subnet is the network of all nodes and the host.
func (l *Lab) Subnet() string { return l.subnet + ".0/24" }

// Host is the address of the host's end: what listens there is reached from all
// nodes.
func (l *Lab) Host() string { return l.subnet + ".1" }

// Add makes a node. name is for its own reading.
func (l *Lab) Add(ctx context.Context, name string) (*Node, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := len(l.nodes)
	if i > 200 {
		return nil, errors.New("netlab: at most 200 nodes")
	}
	n := &Node{
		Netns: fmt.Sprintf("%s-%s", l.bridge, name),
		Addr:  fmt.Sprintf("%s.%d", l.subnet, 10+i),
		cable: fmt.Sprintf("%sv%d", l.bridge, i),
		lab:   l,
	}
	if len(n.cable) > 15 {
		return nil, fmt.Errorf("netlab: name of a cable, %q, is too long for the kernel", n.cable)
	}
	l.nodes = append(l.nodes, n) // also what is half made goes away with Close
	for _, args := range [][]string{
		{"netns", "add", n.Netns},
		{"link", "add", n.cable, "type", "veth", "peer", "name", "eth0", "netns", n.Netns},
		{"link", "set", n.cable, "master", l.bridge, "up"},
		{"-n", n.Netns, "addr", "add", n.Addr + "/24", "dev", "eth0"},
		{"-n", n.Netns, "link", "set", "eth0", "up"},
		{"-n", n.Netns, "link", "set", "lo", "up"},
	} {
		if _, err := ip(ctx, args...); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Close takes everything away. Processes in the nodes must have ended.
func (l *Lab) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		// The kernel would take the cable away with the namespace, but later.
		_, _ = ip(ctx, "link", "del", n.cable)
		_, _ = ip(ctx, "netns", "del", n.Netns)
		unname(n.Netns)
	}
	l.nodes = nil
	_, _ = ip(ctx, "link", "del", l.bridge)
}

// Available returns an ErrUnavailable with the reason, where New would.
func Available() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%w: this needs Linux", ErrUnavailable)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: this needs root", ErrUnavailable)
	}
	for tool, of := range map[string]string{"ip": "iproute2", "nft": "nftables"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: no %s found; install the package %s", ErrUnavailable, tool, of)
		}
	}
	return nil
}

// ip runs the ip command and returns what it says.
func ip(ctx context.Context, args ...string) (string, error) {
	return run(exec.CommandContext(ctx, "ip", args...))
}

func run(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return text, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, text)
	}
	return text, nil
}
