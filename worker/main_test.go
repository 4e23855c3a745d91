package worker

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func parsed(t *testing.T, env map[string]string, args ...string) (*settings, string, error) {
	t.Helper()
	var out bytes.Buffer
	s, err := parse(nil, append([]string{"chat"}, args...), func(name string) string { return env[name] }, &out)
	return s, out.String(), err
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(secrets, []byte("0123456789abcdef\n\n an-older-one-of-19 \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := parsed(t, map[string]string{
		"PARLEY_CLUSTER": "west", "PARLEY_WORKER_CLUSTER": "east", "PARLEY_NAME": "from-env", "PARLEY_REGISTER": "127.0.0.1:1, 127.0.0.1:2", "PARLEY_SECRET_FILE": secrets,
		"PARLEY_HANDLER_TIMEOUT": "3s", "PARLEY_LOG_LEVEL": "debug",
	}, "--name", "from-flag", "--label", "pool=chat,zone=a")
	if err != nil {
		t.Fatal(err)
	}
	if s.Cluster != "east" || s.Node != "from-flag" || len(s.Registers) != 2 || s.Registers[1] != "127.0.0.1:2" ||
		strings.Join(s.Secrets, "|") != "0123456789abcdef|an-older-one-of-19" || s.HandlerTimeout != 3*time.Second || s.Labels["zone"] != "a" || s.DrainTimeout != DefaultDrainTimeout {
		t.Errorf("got %+v", s.Config)
	}
}

func TestMainSaysWhatItWasBuiltFrom(t *testing.T) {
	s, _, err := parsed(t, nil)
	if err != nil || s.Build == "" {
		t.Errorf("got %q, %v", s.Build, err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileGivesWhatNeitherFlagNorVariableGives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.conf")
	writeFile(t, file, `
# one file for all roles
cluster = west
gateway.listen = 0.0.0.0:8282
worker.name = from-file
name = of-all
known-conns = 5
max-handlers = 7
worker.retain-bytes = 9
`)
	s, _, err := parsed(t, map[string]string{"PARLEY_CONFIG": file, "PARLEY_MAX_HANDLERS": "8"}, "--known-conns", "6")
	if err != nil {
		t.Fatal(err)
	}
	if s.Cluster != "west" || s.Node != "from-file" || s.KnownConns != 6 || s.MaxHandlers != 8 || s.RetainBytes != 9 {
		t.Errorf("got %+v", s.Config)
	}
	writeFile(t, file, "listen = :1\nregisters = a:1\ncluster = a\ncluster = b\nhandler-timeout = soon\nwhat\nconfig = x\nworker.check = true\n")
	_, _, err = parsed(t, nil, "--config", file)
	for _, want := range []string{`:1: a worker has no key "listen"`, `:2: a worker has no key "registers"`, `:4: "cluster" is set again`, ":5:", ":6: want key", `no key "config"`, `no key "check"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	_, _, err := parsed(t, map[string]string{"PARLEY_DRAIN_TIMEOUT": "soon"},
		"--label", "x", "-log-level", "loud", "-secret-file", "/does/not/exist", "-tls-cert", "a.pem", "-tls-ca", "/does/not/exist", "more")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"PARLEY_DRAIN_TIMEOUT", "label", "log-level", "secret-file", "tls-cert", "tls-ca", `"more"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestMistakeInOneFlagDoesNotHideOthers(t *testing.T) {
	var out bytes.Buffer
	args := []string{"chat", "--check", "--handler-timeout", "x", "--nope", "--register", "10.0.0.1:1", "---", "more", "--known-conns", "-1", "--retain-bytes=much"}
	if code := run(Base{}, args, func(string) string { return "" }, &out, nil); code != 2 {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{"handler-timeout", "-nope", "10.0.0.1:1 is not a loopback", "---", `"more"`, "known-conns: must not be negative", "retain-bytes"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q is not once in\n%s", want, out.String())
		}
	}
	_, _, err := parsed(t, nil, "--register", "10.0.0.1:1", "--secret-file", "/does/not/exist")
	if err == nil || !strings.Contains(err.Error(), "secret-file") || strings.Contains(err.Error(), "loopback") {
		t.Errorf("a secret that cannot be read: %v", err)
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	_, out, err := parsed(t, nil, "-h")
	if err != errHelp || !strings.Contains(out, "--drain-timeout") || !strings.Contains(out, "PARLEY_LOG_LEVEL") || strings.Contains(out, "--registers") {
		t.Errorf("got %v and\n%s", err, out)
	}
}

func TestMainExitsWithWhatHappened(t *testing.T) {
	noEnv := func(string) string { return "" }
	var out bytes.Buffer
	if code := run(Base{}, []string{"chat", "-check"}, noEnv, &out, nil); code != 0 || !strings.Contains(out.String(), "good") {
		t.Errorf("-check: %d, %s", code, out.String())
	}
	out.Reset()
	if code := run(Base{}, []string{"chat", "-check", "-registers", "10.0.0.1:1236"}, noEnv, &out, nil); code != 2 || !strings.Contains(out.String(), "loopback") {
		t.Errorf("a wrong configuration: %d, %s", code, out.String())
	}
	if code := run(Base{}, []string{"chat", "-h"}, noEnv, &out, nil); code != 0 {
		t.Errorf("-h: %d", code)
	}
}

// locked is a buffer that a logger and a test may use at once.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMainWaitsForARegisterAndObeysSignals(t *testing.T) {
	signals := make(chan os.Signal, 4)
	out := &locked{}
	code := make(chan int)
	file := filepath.Join(t.TempDir(), "parley.conf")
	writeFile(t, file, "drain-timeout = 1h\n")
	// Nothing listens there: any role may start first, and waits.
	go func() {
		code <- run(Base{}, []string{"chat", "--registers", "127.0.0.1:1", "--config", file, "--name", "chat", "--log-format", "text", "--ops", "127.0.0.1:0"}, func(string) string { return "" }, out, signals)
	}()
	wait := func(text string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); !strings.Contains(out.String(), text); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited for %q in\n%s", text, out.String())
			}
		}
	}
	wait("waiting for a register")
	wait("serving operators")
	signals <- syscall.SIGHUP
	wait("msg=reloaded")
	writeFile(t, file, "cluster = west\nlabel = a=b\nknown-conns = 3\nlog-level = warn\n")
	signals <- syscall.SIGHUP
	wait("reloaded; restart needed\" role=worker node=chat for=\"[cluster label]\"")
	writeFile(t, file, "log-level = loud\n")
	signals <- syscall.SIGHUP
	wait("nothing was changed")
	writeFile(t, file, "log-level = info\ndrain-timeout = 1h\n")
	signals <- syscall.SIGHUP
	for end := time.Now().Add(5 * time.Second); strings.Count(out.String(), "msg=reloaded ") < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log level has not come back:\n%s", out.String())
		}
	}
	signals <- syscall.SIGTERM
	wait("draining")
	signals <- syscall.SIGTERM
	select {
	case c := <-code:
		if c != 0 {
			t.Errorf("exit code %d:\n%s", c, out.String())
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it does not end:\n%s", out.String())
	}
}
