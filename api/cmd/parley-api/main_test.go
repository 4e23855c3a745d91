package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// asProgram makes the test binary run the program instead of the tests.
const asProgram = "PARLEY_TEST_API_MAIN"

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
	page, err := os.ReadFile("../../../docs/operating.md")
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

// told is what the page says of a flag.
type told struct {
	value   string
	reloads bool
}

func TestFlagsAreThoseOfThePage(t *testing.T) {
	flags := map[string]told{}
	for _, heading := range []string{"### Every role", "### parley-api"} {
		for _, row := range regexp.MustCompile("(?m)^\\| (`--[^|]*)\\|([^|]*)\\|").FindAllStringSubmatch(section(t, heading), -1) {
			value := ""
			if v := regexp.MustCompile("^ `([^`]*)`").FindStringSubmatch(row[2]); v != nil {
				value = v[1]
			}
			for _, flag := range regexp.MustCompile("`--([a-z-]+)`( ↻)?").FindAllStringSubmatch(row[1], -1) {
				flags[flag[1]] = told{value, flag[2] != ""}
			}
		}
	}
	delete(flags, "config") // names the file, so it is no setting in it
	output, code := program(t, "--check")
	help, helped := program(t, "--help")
	if code != 0 || helped != 0 {
		t.Fatalf("--check: code %d, %s; --help: %d", code, output, helped)
	}
	for _, line := range regexp.MustCompile(`(?m)^(# )?([a-z-]+) =(.*?)\s+# `).FindAllStringSubmatch(output, -1) {
		name, value := line[2], strings.TrimSpace(line[3])
		want, ok := flags[name]
		if !ok {
			t.Errorf("--%s is not in operating.md", name)
		}
		if want.value != value {
			t.Errorf("--%s: default %q, operating.md says %q", name, value, want.value)
		}
		_, text, _ := strings.Cut(help, "--"+name+"=")
		text, _, _ = strings.Cut(text, "\n  --")
		if reloads := strings.Contains(strings.Join(strings.Fields(text), " "), "changes on SIGHUP"); reloads != want.reloads {
			t.Errorf("--%s: changes on SIGHUP: %v, operating.md says %v", name, reloads, want.reloads)
		}
		delete(flags, name)
	}
	for name := range flags {
		t.Errorf("operating.md has --%s, the program has not", name)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	output, code := program(t, "--listen", "8080", "--files", "", "--allow-origin", "*,https://chat.example.com/", "--max-calls", "-1", "--client-tls-cert", "nowhere.pem", "--register", "nowhere")
	if code != 2 {
		t.Errorf("exit code: got %d, want 2", code)
	}
	for _, want := range []string{"--listen", "--files", `"*"`, `"https://chat.example.com/"`, "max-calls", "--client-tls-cert", "--register"} {
		if !strings.Contains(output, want) {
			t.Errorf("%s is not named in:\n%s", want, output)
		}
	}
}
