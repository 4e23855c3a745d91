package main

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is the part of operating.md below a heading, up to the next one.
func page(t *testing.T, heading string) string {
	t.Helper()
	b, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), heading+"\n")
	if !ok {
		t.Fatalf("operating.md has no %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	return section
}

// row is a line of a table that begins with flags: them, their default, and whether
// they change on SIGHUP.
var row = regexp.MustCompile("(?m)^\\| (`--[^|]*)\\| ?(?:`([^`]*)`)?[^|]*\\|([^|]*)\\|")

func TestFlagsAreThoseOfThePage(t *testing.T) {
	type told struct {
		value  string
		reload bool
	}
	of := map[string]told{}
	for _, heading := range []string{"### Every role", "### parley-register"} {
		for _, r := range row.FindAllStringSubmatch(page(t, heading), -1) {
			if strings.Contains(r[3], "not for the register") {
				continue
			}
			for _, flag := range regexp.MustCompile("`--([a-z-]+)`( ↻)?").FindAllStringSubmatch(r[1], -1) {
				of[flag[1]] = told{r[2], flag[2] != ""}
			}
		}
	}
	check, help := launch(t, nil, "--check"), launch(t, nil, "--help")
	if code := check.exit(t) + help.exit(t); code != 0 {
		t.Fatalf("code %d:\n%s\n%s", code, check.out, help.out)
	}
	settings := regexp.MustCompile(`(?m)^(?:# )?([a-z-]+) =(.*?)\s+# `).FindAllStringSubmatch(check.out.String(), -1)
	settings = append(settings, []string{"", "config", ""}) // names the file: no setting in it
	for _, s := range settings {
		name, value := s[1], strings.TrimSpace(s[2])
		says, ok := of[name]
		if !ok {
			t.Errorf("--%s is not in operating.md", name)
			continue
		}
		delete(of, name)
		if says.value != value {
			t.Errorf("--%s: default %q, operating.md says %q", name, value, says.value)
		}
		_, text, _ := strings.Cut(help.out.String(), "--"+name+"=")
		text, _, _ = strings.Cut(text, "\n  --")
		if reloads := strings.Contains(strings.Join(strings.Fields(text), " "), "changes on SIGHUP"); reloads != says.reload {
			t.Errorf("--%s: changes on SIGHUP: %v, operating.md says %v", name, reloads, says.reload)
		}
	}
	for name := range of {
		t.Errorf("operating.md has --%s, the program has not", name)
	}
}

func TestMetricsAreThoseOfThePage(t *testing.T) {
	var told []string
	for _, line := range regexp.MustCompile("(?m)^\\| (`parley_register_[^|]*) \\|").FindAllStringSubmatch(page(t, "## Metrics"), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(line[1], -1) {
			told = append(told, "parley_register_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "parley_register"), "_"))
		}
	}
	p := serve(t, freeAddr(t))
	resp, err := http.Get("http://" + p.until(t, `"ops":"([^"]+)"`) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	for _, m := range regexp.MustCompile("(?m)^# TYPE (parley_register_[a-z_]+)").FindAllStringSubmatch(string(b), -1) {
		has = append(has, m[1])
	}
	slices.Sort(told)
	slices.Sort(has)
	if !slices.Equal(told, has) {
		t.Errorf("operating.md has\n%v, the program\n%v", told, has)
	}
}
