package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/proc"
)

// run starts what `make run` and `make example` start, on ports of its own, and waits until it says
// that it is ready.
func run(t *testing.T, args ...string) (p *proc.Process, out *journal, ports local.Ports) {
	t.Helper()
	const program = "deploy/cmd/parley-local"
	packages := []string{program, build.Register, build.Gateway}
	b := build.Builder{Say: func(line string) { fmt.Println(line) }}
	if args[0] == "run" { // what takes long is compiled before anybody waits for it
		packages = append(packages, build.NATS, build.Demo, build.API, build.Ctl, build.Worker)
		must(t, b.Page(t.Context()))
	}
	built, err := b.Programs(t.Context(), packages...)
	must(t, err)
	for range 10 {
		port := 12000 + rand.IntN(10_000)
		out = &journal{}
		fleet := proc.NewFleet(out)
		t.Cleanup(fleet.Close)
		p = fleet.Add(proc.Spec{Name: "parley-local", Path: built[program], Args: append(args, "--port", strconv.Itoa(port))})
		must(t, p.Start())
		said := func(text string) bool { return strings.Contains(out.String(), text) }
		eventually(t, func() bool {
			return said("Ctrl-C ends everything") || !p.Running()
		}, func() string { return "it is not ready:\n" + out.String() })
		if p.Running() {
			return p, out, local.From(port)
		}
		if !said("taken by another program") {
			break
		}
	}
	t.Fatalf("it has ended:\n%s", out)
	return nil, nil, local.Ports{}
}

// children are the processes that p has started, by what they were called with.
func children(t *testing.T, p *proc.Process) map[int]string {
	t.Helper()
	list := map[int]string{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	for _, file := range stats {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(p.PID()) && fields[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline")) // it may have ended
			list[pid] = string(line)
		}
	}
	return list
}

// gone waits until none of the processes is there any more.
func gone(t *testing.T, list map[int]string) {
	t.Helper()
	eventually(t, func() bool {
		for pid := range list {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err == nil && !strings.Contains(string(stat), ") Z ") { // a zombie has ended
				return false
			}
		}
		return true
	}, func() string { return "a process lives on" })
}

func TestOneCommandStartsAnExample(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc: Linux only")
	}
	p, out, ports := run(t, "example", "--name", "swooleim")
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports.Page))
	must(t, err)
	page, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if !strings.Contains(string(page), "<title>swooleim") {
		t.Errorf("the page begins with %.80q", page)
	}
	chat(t, ports)

	all := children(t, p)
	if len(all) != 5 {
		t.Fatalf("%d processes, want a register, two gateways and two workers: %v", len(all), all)
	}
	for pid, line := range all {
		if strings.Contains(line, "worker-1") {
			must(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	eventually(t, func() bool { return strings.Contains(out.String(), "worker-1 died (signal: killed); it starts again") },
		func() string { return "nobody noticed a death:\n" + out.String() })
	eventually(t, func() bool { return len(children(t, p)) == 5 }, func() string { return "the dead did not start again" })
	chat(t, ports)

	interrupt(t, p, out)
}

// interrupt ends it as Ctrl-C does, and wants nothing left.
func interrupt(t *testing.T, p *proc.Process, out *journal) {
	t.Helper()
	all := children(t, p)
	must(t, syscall.Kill(p.PID(), syscall.SIGINT))
	eventually(t, func() bool { return !p.Running() }, func() string { return "Ctrl-C does not end it:\n" + out.String() })
	if e, _ := p.Exit(); e.Code != 0 {
		t.Errorf("ended with %v after Ctrl-C:\n%s", e, out)
	}
	gone(t, all)
}

// TestOneCommandStartsEachPoolOfAnExample talks on both paths of twopaths: each is served by
// workers that serve nothing else.
func TestOneCommandStartsEachPoolOfAnExample(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc: Linux only")
	}
	p, out, ports := run(t, "example", "--name", "twopaths", "--gateways", "1", "--workers", "1")
	labels := 0
	for _, line := range children(t, p) {
		labels += strings.Count(line, "--label=path=/ws/chat") + strings.Count(line, "--label=path=/push")
	}
	if labels != 2 {
		t.Errorf("%d workers have a path, want one for each of two: %v", labels, children(t, p))
	}
	door := fmt.Sprintf("ws://127.0.0.1:%d", ports.Gateway)
	push := open(t, door+"/push/bob/?chat=tea")
	chat := open(t, door+"/ws/chat/tea/?name=ann")
	must(t, chat.Send(`{"message":"hello"}`))
	hear(t, chat, `"type":"message"`)
	hear(t, push, `"type":"reminder"`)
	push.Cut()
	chat.Cut()
	interrupt(t, p, out)
}

func TestNothingLingersWhenTheSupervisorIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells children that their parent died")
	}
	p, _, _ := run(t, "example", "--name", "echo", "--gateways", "1", "--workers", "1")
	all := children(t, p)
	if len(all) != 3 {
		t.Fatalf("%d processes, want 3: %v", len(all), all)
	}
	must(t, syscall.Kill(p.PID(), syscall.SIGKILL))
	gone(t, all)
}

// chat lets two people on two gateways exchange a message.
func chat(t *testing.T, ports local.Ports) {
	t.Helper()
	one := open(t, fmt.Sprintf("ws://127.0.0.1:%d/any/path", ports.Gateway))
	two := open(t, fmt.Sprintf("ws://127.0.0.1:%d/", ports.Gateway+1))
	for name, c := range map[string]*client.Conn{"one": one, "two": two} {
		must(t, c.Send(`{"type":"auth","username":"`+name+`","id":1}`))
		hear(t, c, `"ack"`)
	}
	must(t, one.Send(`{"type":"message","to":"two","message":"hello"}`))
	hear(t, two, `"from":"one"`)
	one.Cut()
	two.Cut()
}

// open dials as soon as it is let in.
func open(t *testing.T, url string) (c *client.Conn) {
	t.Helper()
	eventually(t, func() bool {
		var err error
		c, err = client.Dial(within(t, everything), url, client.Options{})
		return err == nil
	}, func() string { return url + " lets nobody in" })
	t.Cleanup(c.Cut)
	return c
}

func hear(t *testing.T, c *client.Conn, want string) {
	t.Helper()
	m, err := c.ReadWithin(everything)
	if err != nil || !strings.Contains(string(m.Payload), want) {
		t.Fatalf("heard %q, %v: want %s", m.Payload, err, want)
	}
}

// TestOneCommandStartsAnExampleWithWhatPushesToIt starts ticker: values come by PushService
// at once, a key that may send can push too, and one that is none cannot.
func TestOneCommandStartsAnExampleWithWhatPushesToIt(t *testing.T) {
	p, out, ports := run(t, "example", "--name", "ticker", "--gateways", "1", "--workers", "1")
	c := open(t, fmt.Sprintf("ws://127.0.0.1:%d/?symbols=TEA,MINE", ports.Gateway))
	for range 3 {
		hear(t, c, `{"symbol":"TEA","price":`)
	}
	_, key, _ := strings.Cut(out.String(), "key       ")
	key, _, _ = strings.Cut(key, " ")
	url := fmt.Sprintf("http://127.0.0.1:%d/push/v1/", ports.Push)
	call := func(method, key, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+method, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		must(t, err)
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(said)
	}
	const mine = `{"groups":["ticker/MINE"],"text":"{\"symbol\":\"MINE\"}","mergeKey":"MINE"}`
	other := []byte(key)
	other[len(other)-5] ^= 1
	if status, said := call("send", string(other), mine); status != http.StatusUnauthorized {
		t.Errorf("a key that is none: %d, %s", status, said)
	}
	if status, said := call("getTotals", key, `{}`); status != http.StatusForbidden {
		t.Errorf("a key without the role: %d, %s", status, said)
	}
	if status, said := call("send", key, mine); status != http.StatusOK || !strings.Contains(said, `"hit":1`) {
		t.Errorf("the key of the feeder: %d, %s", status, said)
	}
	for {
		m, err := c.ReadWithin(everything)
		must(t, err)
		if strings.Contains(string(m.Payload), "MINE") {
			break
		}
	}
	c.Cut()
	interrupt(t, p, out)
}
