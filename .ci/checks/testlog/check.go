package testlog

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// slowest is how many of the slowest tests are named at the end.
const slowest = 5

// key is a test, or a package where name is empty.
type key struct{ pkg, name string }

func (k key) String() string { return strings.TrimSpace(k.pkg + " " + k.name) }

// outcome is how a test or a package ended, over all its runs.
type outcome struct {
	action  string // pass, fail or skip
	elapsed time.Duration
	output  []string
	note    string
}

// run is what a whole log says, and who listens meanwhile.
type run struct {
	outcomes map[key]*outcome
	lines    func(string) // may be nil
}

// load reads a log. lines, if not nil, sees at once what is worth watching.
func load(r io.Reader, lines func(string)) (*run, error) {
	all := &run{outcomes: make(map[key]*outcome), lines: lines}
	output := make(map[key][]string) // of what has not ended
	err := read(r, func(e event) {
		k := key{e.Package, e.Test}
		switch e.Action {
		case "output":
			output[k] = append(output[k], e.Output)
		case "build-output":
			all.say(strings.TrimSuffix(e.Output, "\n"))
		case "pass", "fail", "skip":
			all.end(k, e, output[k])
			delete(output, k)
		}
	}, all.say)
	// What never ended was running when its program died.
	for k, lines := range output {
		if _, ended := all.outcomes[k]; !ended {
			all.outcomes[k] = &outcome{action: "fail", output: lines, note: " (did not end)"}
		}
	}
	return all, err
}

func (r *run) say(line string) {
	if r.lines != nil {
		r.lines(line)
	}
}

// end keeps the worse of two runs, save that a test which skipped itself once
// and ran another time has run.
func (r *run) end(k key, e event, output []string) {
	o := &outcome{action: e.Action, elapsed: e.elapsed(), output: output}
	if e.FailedBuild != "" {
		o.note = " (does not build)"
	}
	if r.lines != nil && k.name == "" && e.Action != "skip" {
		r.lines(fmt.Sprintf("%-5s %6.1fs  %s", e.Action, e.Elapsed, k.pkg))
	}
	if old := r.outcomes[k]; old != nil && (old.action == "fail" || e.Action == "skip") {
		return
	}
	r.outcomes[k] = o
}

// keys returns the tests and packages in order.
func (r *run) keys() []key {
	return slices.SortedFunc(maps.Keys(r.outcomes), func(a, b key) int { return strings.Compare(a.String(), b.String()) })
}

// Progress copies to w, line by line, what a person wants to see while a test
// run goes on: packages as they end, and what is not of a test.
func Progress(r io.Reader, w io.Writer) error {
	_, err := load(r, func(line string) { fmt.Fprintln(w, line) })
	return err
}

// PrintSkipped writes the package and the name of every test that was skipped,
// or had a part skipped.
func PrintSkipped(r io.Reader, w io.Writer) error {
	all, err := load(r, nil)
	if err != nil {
		return err
	}
	written := make(map[key]bool)
	for _, k := range all.keys() {
		top, _, _ := strings.Cut(k.name, "/")
		if k.name == "" || all.outcomes[k].action != "skip" || written[key{k.pkg, top}] {
			continue
		}
		written[key{k.pkg, top}] = true
		fmt.Fprintln(w, k.pkg, top)
	}
	return nil
}

// Check returns a problem for every test that failed or never ran: a suite that
// skips itself proves nothing. What those said goes to w, then the slowest tests.
func Check(r io.Reader, w io.Writer) (problems []string, err error) {
	all, err := load(r, nil)
	if err != nil {
		return nil, err
	}
	var passed []key
	for _, k := range all.keys() {
		o := all.outcomes[k]
		switch {
		case o.action == "fail", o.action == "skip" && k.name != "":
			for _, line := range o.output {
				fmt.Fprint(w, line)
			}
			problems = append(problems, map[string]string{"fail": "failed: ", "skip": "skipped: "}[o.action]+k.String()+o.note)
		case k.name != "":
			passed = append(passed, k)
		}
	}
	if len(passed) == 0 {
		problems = append(problems, "no test passed: nothing was run")
	}

	fmt.Fprintf(w, "%d tests passed\n", len(passed))
	slices.SortStableFunc(passed, func(a, b key) int { return int(all.outcomes[b].elapsed - all.outcomes[a].elapsed) })
	passed = slices.DeleteFunc(passed, func(k key) bool { return strings.Contains(k.name, "/") })
	for _, k := range passed[:min(slowest, len(passed))] {
		fmt.Fprintf(w, "slow  %6.1fs  %s\n", all.outcomes[k].elapsed.Seconds(), k)
	}
	return problems, nil
}
