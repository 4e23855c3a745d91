package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// asProgram makes the test binary run the program instead of the tests.
const asProgram = "PARLEY_GATEWAY_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		main()
		return
	}
	os.Exit(m.Run())
}

// program runs the program and returns what it prints and its exit code.
func program(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	b, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func TestDefaultsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, heading := range []string{"### Every role", "### parley-gateway"} {
		_, section, ok := strings.Cut(string(page), heading+"\n")
		if !ok {
			t.Fatalf("operating.md has no %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n#")
		for _, row := range regexp.MustCompile("(?m)^\\| (`--[^|]*)\\|([^|]*)\\|").FindAllStringSubmatch(section, -1) {
			value := ""
			if v := regexp.MustCompile("^ `([^`]*)`").FindStringSubmatch(row[2]); v != nil {
				value = v[1]
			}
			for _, flag := range regexp.MustCompile("--[a-z-]+").FindAllString(row[1], -1) {
				told[strings.TrimPrefix(flag, "--")] = value
			}
		}
	}
	delete(told, "config") // names the file, so it is no setting in it
	output, code := program(t, "--check")
	if code != 0 {
		t.Fatalf("--check: code %d, %s", code, output)
	}
	for _, line := range regexp.MustCompile(`(?m)^(# )?([a-z-]+) =(.*?)\s+# `).FindAllStringSubmatch(output, -1) {
		name, value := line[2], strings.TrimSpace(line[3])
		want, ok := told[name]
		if !ok {
			t.Errorf("--%s is not in operating.md", name)
		}
		if want != value {
			t.Errorf("--%s: default %q, operating.md says %q", name, value, want)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("operating.md has --%s, the program has not", name)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	output, code := program(t, "--link-listen", "0.0.0.0:2900", "--worker-patience", "-1s", "--register", "nowhere", "--max-conns", "many")
	if code != 2 {
		t.Errorf("exit code: got %d, want 2", code)
	}
	for _, flag := range []string{"--link-listen", "worker-patience", "--register", "--max-conns"} {
		if !strings.Contains(output, flag) {
			t.Errorf("%s is not named in:\n%s", flag, output)
		}
	}
}

// What is no address is wrong before anything is opened, and named with its flag.
func TestAddressesAreChecked(t *testing.T) {
	output, code := program(t, "--check", "--listen", "0.0.0.0", "--link-listen", "127.0.0.1:99999", "--link-addr", "gw-1", "--public-url", "chat.example.com/ws", "--trusted-proxy", "balancer")
	if code != 2 {
		t.Errorf("exit code: got %d, want 2", code)
	}
	for _, flag := range []string{"--listen:", "--link-listen:", "--link-addr:", "--public-url:", "--trusted-proxy:"} {
		if !strings.Contains(output, flag) {
			t.Errorf("%s is not named in:\n%s", flag, output)
		}
	}
	if output, code := program(t, "--check", "--proxy-protocol", "--origin", "https://chat.example.com", "--max-handshakes-per-ip", "-1"); code != 2 ||
		!strings.Contains(output, "--proxy-protocol: needs --trusted-proxy") || !strings.Contains(output, "origin: ") || !strings.Contains(output, "max-handshakes-per-ip: ") {
		t.Errorf("what clients may do: code %d, %s", code, output)
	}
	if output, code := program(t, "--check", "--link-addr", ":2900"); code != 2 || !strings.Contains(output, "--link-addr:") {
		t.Errorf("an address without a host: code %d, %s", code, output)
	}
	for _, everywhere := range []string{"0.0.0.0:2900", "[::]:2900", ":2900"} {
		output, code := program(t, "--check", "--link-listen", everywhere)
		if code != 2 || !strings.Contains(output, "--link-addr: needed") {
			t.Errorf("%s: where workers dial is not known, code %d, %s", everywhere, code, output)
		}
	}
	for _, good := range [][]string{
		{"--listen", ":8282"}, {"--listen", "[::1]:0"}, {"--listen", "localhost:http"}, {"--link-addr", "gw-1.internal:2900"}, {"--link-listen", "localhost:0"},
		{"--trusted-proxy", "10.0.0.0/24,fd00::7"}, {"--trusted-proxy", "10.0.0.5", "--proxy-protocol"}, {"--origin", "*.example.com,bücher.example"}, {"--public-url", "ws://:8282"}, {"--public-url", "wss://chat.example.com/ws"}, {"--public-url", "https://chat.example.com"},
	} {
		if output, code := program(t, append([]string{"--check"}, good...)...); code != 0 {
			t.Errorf("%q: code %d, %s", good, code, output)
		}
	}
}
