package ws

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
)

// A crowd is a child process of this test binary that holds many clients: its
// descriptors, memory and CPU must not be the server's.
const crowdSpec = "PARLEY_TEST_CROWD"

// crowd starts n clients and returns when their handshakes are done. They are
// "idle" (say one word, then nothing), "swallow" (read all) or "echo" (send 100
// bytes, wait for the answer, and again). They end with the test. Where the
// environment names a CPU they are pinned to it, as the server can be by taskset.
func (r *rig) crowd(kind string, n int) {
	r.t.Helper()
	child := exec.Command(os.Args[0])
	if pin := os.Getenv("PARLEY_TEST_PIN_CROWD"); pin != "" {
		child = exec.Command("taskset", "-c", pin, os.Args[0])
	}
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d", crowdSpec, kind, r.addr, n))
	in, err := child.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		in.Close()
		_ = child.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		r.t.Fatalf("crowd: %q, %v", line, err)
	}
}

func beCrowd(spec string) {
	var kind, address string
	var n int
	if _, err := fmt.Sscan(spec, &kind, &address, &n); err != nil {
		panic(err)
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			fmt.Println("dial:", err)
			return
		}
		fmt.Fprint(nc, request())
		br := bufio.NewReader(nc)
		line, err := br.ReadString('\n')
		for l := line; l != "\r\n" && err == nil; {
			l, err = br.ReadString('\n')
		}
		if err != nil || !strings.Contains(line, " 101 ") {
			fmt.Println("handshake:", line, err)
			return
		}
		conns[i] = nc
	}
	for _, nc := range conns {
		switch kind {
		case "idle":
			_, _ = nc.Write(masked(0x81, []byte("hello")))
		case "swallow":
			go func() {
				b := make([]byte, 16<<10)
				for {
					if _, err := nc.Read(b); err != nil {
						return
					}
				}
			}()
		case "echo":
			go func() {
				out, in := masked(0x82, make([]byte, 100)), make([]byte, 102)
				for {
					if _, err := nc.Write(out); err != nil {
						return
					}
					if _, err := io.ReadFull(nc, in); err != nil || in[0] != 0x82 {
						return // or a ping: the benchmark is shorter than the interval
					}
				}
			}()
		}
	}
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1))
	for _, nc := range conns {
		nc.Close()
	}
}
