package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/demo"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/runfile"
)

// TestOneCommandStartsTheChat is the first hour of a newcomer: make run, the page, the
// demo accounts, a bot that answers, a worker killed by hand, make demo-kill, Ctrl-C.
func TestOneCommandStartsTheChat(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc: Linux only")
	}
	data := filepath.Join(t.TempDir(), "data")
	p, out, ports := run(t, "run", "--data", data)
	pages := []string{"healthz", "readyz", "v1/gateways", "docs"}
	if root, err := build.Root("."); err == nil {
		if _, err := os.Stat(filepath.Join(root, "api", "web", "dist", "index.html")); err == nil {
			pages = append(pages, "") // there is a Node that could build it
		}
	}
	for _, page := range pages {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/%s", ports.API, page))
		must(t, err)
		must(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			t.Errorf("/%s is answered with %s", page, resp.Status)
		}
	}
	const processes = 8 // a register, two gateways, two workers, the api, NATS and the bots
	if all := children(t, p); len(all) != processes {
		t.Fatalf("%d processes, want %d: %v", len(all), processes, all)
	}
	running, err := runfile.Read(data)
	must(t, err)
	for _, a := range demo.Accounts {
		c := account(t, running.Gateways, a.Name)
		eventually(t, func() bool {
			unread := int64(0)
			for _, v := range c.Log().Conversations {
				unread += v.Unread
			}
			return unread > 0 || a.Bot
		}, func() string { return a.Name + " has nothing to read" })
	}
	asks(t, running.Gateways, "liubei", "zhugeliang", "hello, are you there?")
	asks(t, running.Gateways, "caocao", "zhangfei", "在吗？")

	// The command of the box is one that can be typed as it stands.
	look := regexp.MustCompile(`│ look +(.*?) +│`).FindStringSubmatch(out.String())
	if look == nil {
		t.Fatalf("it does not say how to look:\n%s", out)
	}
	screen, err := exec.CommandContext(t.Context(), "sh", "-c", look[1]).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(screen), "2 gateways, 2 workers, 1 api, 1 register; ") {
		t.Errorf("%s: %v\n%s", look[1], err, screen)
	}

	worker := running.Role("worker")[0]
	must(t, syscall.Kill(worker.PID, syscall.SIGKILL))
	eventually(t, func() bool {
		now, err := runfile.Read(data)
		return err == nil && now.Role("worker")[0].Lives == worker.Lives+1 && now.Role("worker")[0].PID != worker.PID
	}, func() string { return "a killed worker does not come back:\n" + out.String() })

	built, err := build.Builder{}.Programs(t.Context(), build.Demo)
	must(t, err)
	kill := exec.CommandContext(t.Context(), built[build.Demo], "kill", "--data", data, "--for", "4s", "--users", "10", "--rate", "20")
	said, err := kill.CombinedOutput()
	if err != nil || !strings.Contains(string(said), "lost             0\ndoubled          0\nsockets dropped  0") {
		t.Errorf("demo-kill: %v\n%s", err, said)
	}
	interrupt(t, p, out)
	if _, err := os.Stat(filepath.Join(data, runfile.Name)); err == nil {
		t.Error("what runs is still written down")
	}
}

// account signs somebody in and waits for the session.
func account(t *testing.T, gateways []string, name string) *chatclient.Client {
	t.Helper()
	c, err := chatclient.New(chatclient.Config{Gateways: gateways, Device: "test", Name: name, Password: demo.Password})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	must(t, c.WaitLive(within(t, everything)))
	return c
}

// asks writes to somebody, and wants an answer.
func asks(t *testing.T, gateways []string, who, whom, text string) {
	t.Helper()
	c := account(t, gateways, who)
	users, err := c.GetUsers(t.Context(), nil, []string{whom})
	must(t, err)
	direct, err := c.CreateDirect(t.Context(), users.GetUsers()[0].GetId())
	must(t, err)
	id := direct.GetConversation().GetId()
	sending, err := c.Send(id, text)
	must(t, err)
	mine, err := sending.Wait(within(t, 10*time.Second))
	must(t, err)
	eventually(t, func() bool {
		s, _ := c.Screen(id)
		for _, m := range s.Shown {
			if m.Seq > mine.Seq && m.Sender == users.GetUsers()[0].GetId() {
				return true
			}
		}
		return false
	}, func() string { return whom + " does not answer" })
}
