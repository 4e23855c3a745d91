package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// asProgram makes the test binary run the program instead of the tests.
const asProgram = "PARLEY_WORKER_TEST_MAIN"

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

// section returns what operating.md has below a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), heading+"\n")
	if !ok {
		t.Fatalf("operating.md has no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

// chatMetrics are those of the chat that operating.md has. Of several in a row the first
// is whole, and of the others what comes after parley_chat.
func chatMetrics(t *testing.T) map[string]bool {
	t.Helper()
	_, table, ok := strings.Cut(section(t, "## Metrics"), "| chat | meaning |\n")
	if !ok {
		t.Fatal("operating.md has no metrics of the chat")
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (`+"`"+`[^|]*)\|`).FindAllStringSubmatch(table, -1) {
		for _, name := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[1], -1) {
			told["parley_chat_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "parley_chat"), "_")] = true
		}
	}
	return told
}

func TestDefaultsAreThoseOfThePage(t *testing.T) {
	told := map[string]string{}
	for _, heading := range []string{"### Every role", "### parley-worker"} {
		for _, row := range regexp.MustCompile("(?m)^\\| (`--[^|]*)\\|([^|]*)\\|").FindAllStringSubmatch(section(t, heading), -1) {
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

func TestEverythingWrongIsNamedAtOnceAndNoPasswordIsShown(t *testing.T) {
	short := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	output, code := program(t, "--database", "mysql://root:sesame@127.0.0.1:3306", "--realm", "Not OK",
		"--token-secret-file", short, "--access-lasts", "1ms", "--database-conns", "1", "--demo-account", "ann")
	if code != 2 {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{"mysql: which database?", "--realm", "--token-secret-file", "--access-lasts", "conns", "--demo-account"} {
		if !strings.Contains(output, want) {
			t.Errorf("nothing about %s in\n%s", want, output)
		}
	}
	if strings.Contains(output, "sesame") {
		t.Errorf("a password in\n%s", output)
	}
}

// TestAccessLastsLongEnoughToBeRenewed has what would be closed without having been
// asked.
func TestAccessLastsLongEnoughToBeRenewed(t *testing.T) {
	for lasts, want := range map[string]int{"119s": 2, "2m": 0} {
		if output, code := program(t, "--check", "--access-lasts", lasts); code != want {
			t.Errorf("%s: code %d, want %d, %s", lasts, code, want, output)
		}
	}
}

func TestCheckShowsNoPassword(t *testing.T) {
	output, code := program(t, "--check", "--database", "postgres://parley:open%20sesame@127.0.0.1/parley", "--nats", "nats://a:sesame@one:4222,nats://b:s:e@same@two:4222")
	if code != 0 {
		t.Fatalf("code %d, %s", code, output)
	}
	for _, secret := range []string{"sesame", "s:e"} {
		if strings.Contains(output, secret) {
			t.Errorf("%q in\n%s", secret, output)
		}
	}
	if !strings.Contains(output, "postgres://parley:…@127.0.0.1/parley") {
		t.Errorf("the rest of the URL is gone:\n%s", output)
	}
}
