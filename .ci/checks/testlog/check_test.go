package testlog

import (
	"slices"
	"strings"
	"testing"
)

const log = `Running: all tests
{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"said by the good\n"}
{"Action":"pass","Package":"p","Test":"TestGood","Elapsed":1.5}
{"Action":"output","Package":"p","Test":"TestBad","Output":"said by the bad\n"}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":0.5}
{"Action":"output","Package":"p","Test":"TestIdle","Output":"said by the idle\n"}
{"Action":"skip","Package":"p","Test":"TestIdle","Elapsed":0}
{"Action":"skip","Package":"p","Test":"TestPart/two","Elapsed":0}
{"Action":"pass","Package":"p","Test":"TestPart","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestDead","Output":"said by the dead\n"}
{"Action":"fail","Package":"p","Elapsed":2}
{"Action":"skip","Package":"q","Elapsed":0}
{"Action":"pass","Package":"r","Elapsed":3}
`

func check(t *testing.T, log string) (problems []string, output string) {
	t.Helper()
	var out strings.Builder
	problems, err := Check(strings.NewReader(log), &out)
	if err != nil {
		t.Fatal(err)
	}
	return problems, out.String()
}

func TestFailedSkippedAndUnendedTestsAreProblems(t *testing.T) {
	problems, output := check(t, log)
	want := []string{
		"failed: p",
		"failed: p TestBad",
		"failed: p TestDead (did not end)",
		"skipped: p TestIdle",
		"skipped: p TestPart/two",
	}
	if !slices.Equal(problems, want) {
		t.Errorf("problems: got %q, want %q", problems, want)
	}
	for text, want := range map[string]bool{
		"said by the good": false,
		"said by the bad":  true,
		"said by the idle": true,
		"said by the dead": true,
		"1.5s  p TestGood": true,
		"2 tests passed":   true,
	} {
		if strings.Contains(output, text) != want {
			t.Errorf("output holds %q: %v, want %v", text, !want, want)
		}
	}
}

func TestTestSkippedOnceAndPassedOnceHasRun(t *testing.T) {
	skipped := `{"Action":"skip","Package":"p","Test":"TestIdle"}` + "\n"
	passed := `{"Action":"pass","Package":"p","Test":"TestIdle"}` + "\n"
	for _, log := range []string{skipped + passed, passed + skipped} {
		if problems, _ := check(t, log); len(problems) != 0 {
			t.Errorf("got %q, want nothing", problems)
		}
	}
	failed := `{"Action":"fail","Package":"p","Test":"TestIdle"}` + "\n"
	for _, log := range []string{failed + passed, passed + failed, failed + skipped + passed} {
		if problems, _ := check(t, log); !slices.Contains(problems, "failed: p TestIdle") {
			t.Errorf("got %q, want a failure", problems)
		}
	}
}

func TestRunWithoutTestsIsAProblem(t *testing.T) {
	if problems, _ := check(t, "make: nothing to do\n"); len(problems) != 1 {
		t.Errorf("got %q, want one problem", problems)
	}
}

func TestProgressShowsPackagesAndForeignLines(t *testing.T) {
	var out strings.Builder
	if err := Progress(strings.NewReader(log), &out); err != nil {
		t.Fatal(err)
	}
	want := "Running: all tests\nfail     2.0s  p\npass     3.0s  r\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestSkippedTestsAreListedOnce(t *testing.T) {
	var out strings.Builder
	again := `{"Action":"skip","Package":"p","Test":"TestPart/three","Elapsed":0}` + "\n"
	if err := PrintSkipped(strings.NewReader(log+again), &out); err != nil {
		t.Fatal(err)
	}
	if want := "p TestIdle\np TestPart\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestTargetsAreListed(t *testing.T) {
	const log = `{"Action":"output","Package":"p","Output":"FuzzReader\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`
	var out strings.Builder
	if err := PrintTargets(strings.NewReader(log), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "p FuzzReader\n" {
		t.Errorf("got %q", out.String())
	}
	if err := PrintTargets(strings.NewReader(`{"Action":"fail","Package":"p"}`), &out); err == nil {
		t.Error("a package that does not build: got no error")
	}
}
