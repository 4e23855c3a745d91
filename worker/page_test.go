package worker

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is the part of operating.md below a heading, up to the next one.
func page(t *testing.T, heading string) string {
	t.Helper()
	b, err := os.ReadFile("../docs/operating.md")
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

// What a row of a table of flags says: the flags, and their default. Where workers have
// one of their own it is in brackets.
var (
	row      = regexp.MustCompile("(?m)^\\| (`--[^|]*)\\| ?(?:`([^`]*)`)?([^|]*)\\|")
	rowFlags = regexp.MustCompile("`--([a-z-]+)`( ↻)?")
	ofWorker = regexp.MustCompile("workers `([^`]*)`")
)

func TestFlagsAreThoseOfThePage(t *testing.T) {
	type told struct {
		value  string
		reload bool
	}
	of := map[string]told{}
	for _, heading := range []string{"### Every role", "### A worker made with worker.Main"} {
		for _, r := range row.FindAllStringSubmatch(page(t, heading), -1) {
			if own := ofWorker.FindStringSubmatch(r[3]); own != nil {
				r[2] = own[1]
			}
			for _, flag := range rowFlags.FindAllStringSubmatch(r[1], -1) {
				of[flag[1]] = told{r[2], flag[2] != ""}
			}
		}
	}
	s, _, err := parsed(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	delete(s.given, "check") // is no setting
	for name, value := range s.given {
		says, ok := of[name]
		if !ok {
			t.Errorf("--%s is not in operating.md", name)
			continue
		}
		delete(of, name)
		if says.value != value {
			t.Errorf("--%s: default %q, operating.md says %q", name, value, says.value)
		}
		if reloadable[name] != says.reload {
			t.Errorf("--%s: changes on SIGHUP: %v, operating.md says %v", name, reloadable[name], says.reload)
		}
	}
	for name := range of {
		t.Errorf("operating.md has --%s, a worker has not", name)
	}
}

func TestMetricsAreThoseOfThePage(t *testing.T) {
	var told, has []string
	for _, line := range regexp.MustCompile("(?m)^\\| (`parley_worker_[^|]*) \\|").FindAllStringSubmatch(page(t, "## Metrics"), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(line[1], -1) {
			told = append(told, "parley_worker_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "parley_worker"), "_"))
		}
	}
	var b bytes.Buffer
	if err := (Stats{}).WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^# TYPE ([a-z_]+)").FindAllStringSubmatch(b.String(), -1) {
		has = append(has, m[1])
	}
	slices.Sort(told)
	slices.Sort(has)
	if !slices.Equal(told, has) {
		t.Errorf("operating.md has\n%v, a worker\n%v", told, has)
	}
}
