package figures

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedianSpreadAndBoundAreShown(t *testing.T) {
	table := &Table{Title: "costs"}
	for _, v := range []float64{7.5, 6.25, 1234567} {
		table.Add("CPU of an echo", "µs", v).Most = 7.5
		table.Add("echoes", "1/s", v*1000)
	}
	r := &Report{Scenario: "echo", About: "a test", Tables: []*Table{table}}
	if r.Judge(); !r.OK {
		t.Error("a median at its bound is not beyond it")
	}
	var b strings.Builder
	r.Write(&b)
	for _, want := range []string{"7.50 µs", "[6.25–1,234,567]", "ok: at most 7.50", "7,500 1/s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
	table.Add("CPU of an echo", "µs", 8)
	if r.Judge(); r.OK {
		t.Error("a median of 7.75 keeps to a bound of 7.5")
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.125: "0.12", 6: "6", 12.34: "12.3", 123.4: "123", 1234.5: "1,234", -1234567: "-1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestJSONHoldsEveryValue(t *testing.T) {
	table := &Table{Title: "costs"}
	table.Add("a", "µs", 1)
	table.Add("a", "µs", 3)
	file := filepath.Join(t.TempDir(), "report.json")
	if err := (&Report{Scenario: "x", Machine: ThisMachine(), Tables: []*Table{table}}).JSON(file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil || len(back.Tables) != 1 || back.Tables[0].Figures[0].Median() != 2 {
		t.Errorf("read back %+v, %v", back, err)
	}
	if back.Machine.CPUs == 0 || back.Machine.Go == "" {
		t.Errorf("machine %+v", back.Machine)
	}
}
