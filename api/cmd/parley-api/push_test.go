package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-im/parley/api/pushkeys"
)

// keyFile writes a file with a key for sends, and returns it and the key.
func keyFile(t *testing.T) (file, key string, k pushkeys.Key) {
	t.Helper()
	roles, err := pushkeys.ParseRoles("query")
	if err != nil {
		t.Fatal(err)
	}
	if key, k, err = pushkeys.New("shop", roles, 100); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "keys")
	write(t, file, k.Line())
	return file, key, k
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWrongFlagsForBackendsAreNamed(t *testing.T) {
	file, _, _ := keyFile(t)
	broken := filepath.Join(t.TempDir(), "broken")
	write(t, broken, "shop:boss:1:x\n\nshop\n")
	for name, c := range map[string]struct {
		args []string
		want []string // none: it is right
	}{
		"no file":            {[]string{"--push-keys", "nowhere"}, []string{"--push-keys", "nowhere"}},
		"a broken file":      {[]string{"--push-keys", broken}, []string{"--push-keys", "line 1", `"boss"`, "line 3"}},
		"nobody could call":  {[]string{"--push-listen", "127.0.0.1:0"}, []string{"--push-listen", "--push-keys"}},
		"no port":            {[]string{"--push-keys", file, "--push-listen", "8090"}, []string{"--push-listen"}},
		"in the clear":       {[]string{"--push-keys", file, "--push-listen", "0.0.0.0:0"}, []string{"--push-listen", "--client-tls-cert", "--push-plain"}},
		"anywhere":           {[]string{"--push-keys", file, "--push-listen", ":0"}, []string{"--push-plain"}},
		"behind a balancer":  {[]string{"--push-keys", file, "--push-listen", "0.0.0.0:0", "--push-plain"}, nil},
		"on this machine":    {[]string{"--push-keys", file, "--push-listen", "[::1]:0"}, nil},
		"only over HTTP":     {[]string{"--push-keys", file}, nil},
		"on this machine, 2": {[]string{"--push-keys", file, "--push-listen", "localhost:8090"}, nil},
	} {
		output, code := program(t, append(c.args, "--check")...)
		if (code != 0) != (c.want != nil) {
			t.Errorf("%s: exit code %d:\n%s", name, code, output)
		}
		for _, want := range c.want {
			if !strings.Contains(output, want) {
				t.Errorf("%s: %s is not named in:\n%s", name, want, output)
			}
		}
	}
}

// TestSighupRevokesAKey, and a file with a mistake changes nothing.
func TestSighupRevokesAKey(t *testing.T) {
	file, key, k := keyFile(t)
	p := start(t, "--register", aRegister(t).Addr(), "--push-keys", file, "--push-listen", "127.0.0.1:0")
	call := func() int { return p.calls(key) }
	p.until("the gateways to be known", func() bool { return call() == http.StatusOK })
	reload := func(text, says string) {
		t.Helper()
		write(t, file, text)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		p.until("it to say "+says, func() bool { return strings.Contains(p.said.String(), says) })
	}
	reload(k.Line()+"\nshop\n", "line 2: 1 fields")
	if got := call(); got != http.StatusOK {
		t.Errorf("after a broken file: %d", got)
	}
	other := strings.Replace(k.Line(), "shop:", "other:", 1)
	reload(other, `"msg":"keys taken over"`)
	if got := call(); got != http.StatusUnauthorized {
		t.Errorf("a key that was taken out: %d", got)
	}
	if strings.Contains(p.said.String(), key) {
		t.Errorf("the log has the key:\n%s", p.said)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.said)
	}
}

// calls asks PushService for something with a key, and returns the status.
func (p *process) calls(key string) int {
	p.t.Helper()
	address := regexp.MustCompile(`"addr":"([^"]+)"`)
	p.until("its address", func() bool { return address.MatchString(p.said.String()) })
	req, err := http.NewRequest(http.MethodPost, "http://"+address.FindStringSubmatch(p.said.String())[1]+"/push/v1/getTotals", strings.NewReader("{}"))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
