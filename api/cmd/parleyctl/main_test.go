package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/parley-im/parley/api/pushkeys"
)

// asProgram makes the test binary run the program instead of the tests.
const asProgram = "PARLEY_TEST_CTL_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Unsetenv(asProgram)
		main()
		return
	}
	os.Unsetenv("PARLEY_KEY_FILE")
	os.Unsetenv("PARLEY_API")
	os.Exit(m.Run())
}

// program runs the program and returns what it prints and its exit code.
func program(t *testing.T, in string, args ...string) (out, errs string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func TestWrongUseIsTwoAndSaysWhatIsRight(t *testing.T) {
	id := strings.Repeat("A", 22)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		says string
	}{
		{"members", "PARLEY_KEY_FILE"},
		{"members --key-file " + file, "is no key"},
		{"members --key-file /nowhere/key", "/nowhere/key"},
		{"mebmers", "mebmers"},
		{"shed gw-1 25", "25%"},
		{"shed gw-1", "<share>"},
		{"shed gw-1 25% --over fast", "--over"},
		{"kick --user a --code 42", "close code"},
		{"kick --conn abc", "connection id"},
		{"conn " + id, "half is zero"},
		{"conns --limit -1", "--limit"},
		{"members --watch --every 1ms", "--every"},
		{"drain gw-1 --role api", "--role"},
		{"key new --roles boss", `"boss" is no role`},
		{"key new", "--roles"},
		{"key new --roles send --id Shop", `"Shop"`},
		{"key new --roles send --save " + file, "stays"},
		{"key hash --roles send " + file, "is no key"},
	} {
		out, errs, code := program(t, "", strings.Fields(test.args)...)
		if code != 2 || out != "" || !strings.Contains(errs, test.says) || !strings.HasPrefix(errs, "parleyctl: ") {
			t.Errorf("%s: exit code %d, want 2 and %q: %s%s", test.args, code, test.says, out, errs)
		}
		if strings.Contains(errs, "hunter2") {
			t.Errorf("%s: it shows what is in the file: %s", test.args, errs)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}} {
		out, errs, code := program(t, "", args...)
		if code != 0 || errs != "" {
			t.Errorf("%q: exit code %d, %s", args, code, errs)
		}
		for _, name := range []string{"members", "conns", "conn", "users", "groups", "count", "online", "send", "kick", "drain", "shed", "key new", "key hash"} {
			if !strings.Contains(out, "\n  "+name+" ") {
				t.Errorf("%q: no %s in\n%s", args, name, out)
			}
		}
	}
}

func TestAKeyIsKeptForItsOwnerAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.key")
	line, errs, code := program(t, "", "key", "new", "--roles", "send,query", "--rate", "7", "--id", "shop", "--save", file)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := pushkeys.Parse(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	if k, _, ok := set.Find(strings.TrimSpace(string(text))); !ok || k.ID != "shop" || k.Rate != 7 {
		t.Errorf("%s does not fit the key", line)
	}
	for _, from := range []struct {
		in   string
		args []string
	}{{in: string(text)}, {args: []string{file}}} {
		again, errs, code := program(t, from.in, append([]string{"key", "hash", "--roles", "send,query", "--rate", "7"}, from.args...)...)
		if again != line || code != 0 {
			t.Errorf("exit code %d, %q %s, want %q", code, again, errs, line)
		}
	}
}

// TestCommandsOfThePagesAreUnderstood reads every parleyctl that the pages tell people to
// type, and the table of commands.
func TestCommandsOfThePagesAreUnderstood(t *testing.T) {
	seen := map[string]bool{}
	for _, page := range []string{"operating.md", "push.md"} {
		text, err := os.ReadFile("../../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range regexp.MustCompile("(?m)^(?:bin/)?parleyctl (.*)$").FindAllStringSubmatch(string(text), -1) {
			words, _, _ := strings.Cut(line[1], " #")
			words, _, _ = strings.Cut(words, " >>")
			var c command
			k, err := parser(t.Context(), &c, func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := k.Parse(strings.Fields(words))
			if err != nil {
				t.Errorf("%s: parleyctl %s: %v", page, words, err)
				continue
			}
			name, _, _ := strings.Cut(parsed.Command(), " <")
			seen[name] = true
		}
	}
	for _, name := range []string{"members", "conns", "shed", "drain", "key new"} {
		if !seen[name] {
			t.Errorf("no page shows parleyctl %s: %v", name, seen)
		}
	}
	text, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| command | shows or does |")
	table, _, _ = strings.Cut(table, "\n\n")
	help, _, _ := program(t, "")
	for _, m := range regexp.MustCompile("(?m)^  ((?:key )?[a-z]+) +[A-Z]").FindAllStringSubmatch(help[strings.Index(help, "\nSee"):], -1) {
		if !regexp.MustCompile("`" + m[1] + "[` ]").MatchString(table) {
			t.Errorf("operating.md does not tell of parleyctl %s", m[1])
		}
	}
}

// FuzzCommandLine looks for words that end the program in a panic, or that reach the
// terminal as more than letters. It asks nobody: there is no key.
func FuzzCommandLine(f *testing.F) {
	for _, seed := range []string{
		"members", "members\n--watch", "conns\n--user\n张飞\n--limit\n0", "conn\nAAAAAAAAAAAAAAAAAAAAAA", "count\nkitchen\n--", "online\na\nb",
		"send\n--to-user\na\n--\n--hi", "send\n--all\n--binary", "kick\n--conn\nBBBBBBBBBBBBBBBBBBBBBB\n--code\n4504\n--reason\n\x1b[2J", "drain\ngw-1\n--role=worker",
		"shed\ngw-1\n25%\n--over=1m", "shed\ngw-1\n0.25\n--over=1e9h", "key\nnew\n--roles\nsend,,\n--rate=-1", "key\nhash\n--roles=admin", "--json\n--timeout=9999999h\nmembers",
		"--api=http://\x1b\nmembers", "members\n--key-file=/\x1b[2J",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--save") || strings.HasPrefix(a, "--key-file=/dev") }) {
			return // it would write where it is told, or read for ever
		}
		var out, errs bytes.Buffer
		code := run(context.Background(), args, strings.NewReader(""), &out, &errs)
		if code != 0 && code != 2 {
			t.Fatalf("%q: exit code %d: %s", args, code, errs.String())
		}
		for _, r := range out.String() + errs.String() {
			if !unicode.IsPrint(r) && r != '\n' {
				t.Fatalf("%q: it says %q", args, out.String()+errs.String())
			}
		}
	})
}
