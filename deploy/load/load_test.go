package load

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/deploy/load/bare"
	"github.com/parley-im/parley/deploy/load/figures"
)

// TestMain is the bare server when --bare starts this binary as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "bare" {
		if err := bare.Serve(os.Args[2]); err != nil {
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m)
}

// brief is the flags of a run that only shows that a scenario works.
func brief() options {
	return options{Runs: 2, Window: 300 * time.Millisecond, Warm: 200 * time.Millisecond, out: io.Discard}
}

// measured runs a scenario on real processes and returns its figures by name.
func measured(t *testing.T, measure func(context.Context, *figures.Report) error) (*figures.Report, map[string]float64) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("costs are read from /proc: Linux only")
	}
	if testing.Short() {
		t.Skip("starts real processes")
	}
	report := &figures.Report{}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := measure(ctx, report); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, table := range report.Tables {
		for _, f := range table.Figures {
			values[strings.TrimSpace(f.Name)] = f.Median()
		}
	}
	return report, values
}

func positive(t *testing.T, values map[string]float64, names ...string) {
	t.Helper()
	for _, n := range names {
		if values[n] <= 0 {
			t.Errorf("%s: %v, want more than nothing; all: %v", n, values[n], values)
		}
	}
}

func TestEchoesAreMeasuredClosedAndPaced(t *testing.T) {
	closed := echoCommand{Conns: 20, options: brief()}
	report, values := measured(t, closed.measure)
	positive(t, values, "CPU of gateway and worker", "gateway", "worker", "done", "there and back, p50", "there and back, p99", "frames in one write to a socket")
	if n := len(report.Tables[0].Figures[0].Values); n != 2 {
		t.Errorf("%d values of 2 runs", n)
	}

	paced := echoCommand{Conns: 20, Rate: 500, options: brief()}
	paced.Profile = t.TempDir()
	_, values = measured(t, paced.measure)
	if got := values["done"]; got < 100 || got > 2000 { // what a busy machine was late with comes at once
		t.Errorf("%.0f echoes/s, want about the 500 asked for", got)
	}
	if files, err := os.ReadDir(paced.Profile); err != nil || len(files) != 4 {
		t.Errorf("profiles: %v, %v, want CPU and allocations of both", files, err)
	}
}

func TestEveryMemberIsCountedInAFanout(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two CPUs to pin to")
	}
	c := fanoutCommand{Groups: 5, Size: 8, UnderWay: 10, options: brief()}
	c.Pin = true
	_, values := measured(t, c.measure)
	positive(t, values, "CPU of gateway and worker", "done", "until the last has it, p99")
}

func TestABareServerIsMeasuredTheSameWay(t *testing.T) {
	e := echoCommand{Conns: 20, options: brief()}
	e.Bare = true
	_, values := measured(t, e.measure)
	positive(t, values, "CPU of gateway and worker", "done", "there and back, p50")
	f := fanoutCommand{Groups: 5, Size: 8, UnderWay: 10, options: brief()}
	f.Bare = true
	_, values = measured(t, f.measure)
	positive(t, values, "CPU of gateway and worker", "done", "until the last has it, p50")
	if err := (&idleCommand{Conns: 1, options: f.options}).measure(t.Context(), nil); err == nil {
		t.Error("a bare server's memory is measured")
	}
}

func TestIdleConnsAreWeighed(t *testing.T) {
	c := idleCommand{Conns: 2000, Hold: 600 * time.Millisecond, options: brief()}
	c.Profile = t.TempDir()
	report, values := measured(t, c.measure)
	positive(t, values, "RSS per conn, just connected", "heap in use", "RSS without conns")
	if len(report.Notes) == 0 || !strings.Contains(report.Notes[0], "471 bytes") {
		t.Errorf("notes %q: want the size of a handshake", report.Notes)
	}
}

func TestGoodConnsAreMeasuredAloneAndBesideBadOnes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		c := slowCommand{Good: 10, Rate: 200, Stalled: 20, Ask: 2, Flood: true, Broadcast: 20, Bytes: 1000, TLS: secure, options: brief()}
		c.Runs = 1
		_, values := measured(t, c.measure)
		positive(t, values, "p99 alone", "p99 beside the others", "p99 of broadcasts alone", "echoes of the flooding conn", "RSS beside the others, at most")
	}
}

func TestWrongFlagsAreRefusedBeforeAnythingStarts(t *testing.T) {
	for name, err := range map[string]error{
		"runs":   (&options{Window: 1}).report(&figures.Report{}, nil),
		"conns":  (&echoCommand{}).measure(t.Context(), nil),
		"idle":   (&idleCommand{}).measure(t.Context(), nil),
		"groups": (&fanoutCommand{Groups: 1, Size: 2, UnderWay: 3}).measure(t.Context(), nil),
		"bytes":  (&slowCommand{Good: 1, Rate: 1, Bytes: bodyBytes}).measure(t.Context(), nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "--") {
			t.Errorf("%s: %v, want an error that names the flag", name, err)
		}
	}
}

func TestAFigureBeyondItsBoundFailsTheProgram(t *testing.T) {
	var out strings.Builder
	o := &options{Runs: 1, Window: 1, out: &out}
	err := o.report(&figures.Report{}, func(_ context.Context, r *figures.Report) error {
		table := &figures.Table{}
		table.Add("memory", "KiB", 8).Most = 7
		r.Tables = append(r.Tables, table)
		return nil
	})
	if !errors.Is(err, errBeyond) || !strings.Contains(out.String(), "TOO MUCH") {
		t.Errorf("%v, printed:\n%s", err, out.String())
	}
}

func TestNumbersSurviveABody(t *testing.T) {
	b := make([]byte, numberBytes)
	for _, n := range []uint64{0, 1, 0xdeadbeef, 1<<63 + 5} {
		if number(b, n); numberIn(b) != n {
			t.Errorf("%d became %d by way of %s", n, numberIn(b), b)
		}
	}
	if numberIn([]byte("not hexadecimal!")) != ^uint64(0) {
		t.Error("what is no number is one")
	}
}

func TestAPinIsOfEveryThreadAndCanBeUndone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can pin")
	}
	undo, err := pin(serverCPU)
	if err != nil {
		t.Fatal(err)
	}
	allowed := func() string {
		b, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), "Cpus_allowed_list:")
		line, _, _ := strings.Cut(rest, "\n")
		return strings.TrimSpace(line)
	}
	if got := allowed(); got != "0" {
		t.Errorf("allowed on CPUs %s, want 0", got)
	}
	if undo(); runtime.NumCPU() > 1 && allowed() == "0" {
		t.Error("still pinned")
	}
}
