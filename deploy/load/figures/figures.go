// Package figures is what a measurement hands over: named numbers, each from one
// run or several, on paper for people and as JSON for machines.
package figures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Report is everything one measurement has to say.
type Report struct {
	Scenario string    `json:"scenario"`
	About    string    `json:"about"` // one line: what was done
	At       time.Time `json:"at"`
	Machine  Machine   `json:"machine"`
	Tables   []*Table  `json:"tables"`
	Notes    []string  `json:"notes,omitempty"`
	OK       bool      `json:"ok"` // no figure is beyond its bound
}

// Table is figures that belong together.
type Table struct {
	Title   string    `json:"title"`
	Figures []*Figure `json:"figures"`
}

// Figure is one number, with the values of all runs.
type Figure struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
	Most   float64   `json:"most,omitempty"` // a bound that the median must not exceed; 0: none
}

// Add notes the value of one more run; figures stand in the order of their first.
func (t *Table) Add(name, unit string, value float64) *Figure {
	for _, f := range t.Figures {
		if f.Name == name {
			f.Values = append(f.Values, value)
			return f
		}
	}
	f := &Figure{Name: name, Unit: unit, Values: []float64{value}}
	t.Figures = append(t.Figures, f)
	return f
}

// Median returns the middle value, of an even number the mean of both.
func (f *Figure) Median() float64 {
	if len(f.Values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(f.Values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Held reports whether the figure keeps to its bound.
func (f *Figure) Held() bool { return f.Most == 0 || f.Median() <= f.Most }

// Judge sets OK.
func (r *Report) Judge() {
	r.OK = true
	for _, t := range r.Tables {
		for _, f := range t.Figures {
			r.OK = r.OK && f.Held()
		}
	}
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n%s\n", r.Scenario, r.About, r.Machine)
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		for _, f := range t.Figures {
			fmt.Fprintln(w, strings.TrimRight(f.line(), " "))
		}
	}
	for i, n := range r.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, n)
	}
}

// line is the row of a figure: median, the spread where there is one, the verdict.
func (f *Figure) line() string {
	spread, verdict := "", ""
	if len(f.Values) > 1 {
		spread = fmt.Sprintf("[%s–%s]", number(slices.Min(f.Values)), number(slices.Max(f.Values)))
	}
	if f.Most != 0 {
		verdict = fmt.Sprintf("ok: at most %s", number(f.Most))
		if !f.Held() {
			verdict = fmt.Sprintf("TOO MUCH: at most %s", number(f.Most))
		}
	}
	return fmt.Sprintf("  %-44s %10s %-9s %-20s %s", f.Name, number(f.Median()), f.Unit, spread, verdict)
}

// number writes three or four figures, thousands apart.
func number(v float64) string {
	digits := 2
	switch a := math.Abs(v); {
	case a >= 1000:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	case a >= 100 || v == math.Trunc(v):
		digits = 0
	case a >= 10:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func thousands(s string) string {
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// JSON writes the report to a file.
func (r *Report) JSON(file string) error {
	f, err := os.Create(file) // #nosec G304 -- the file that the person named
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	e.SetIndent("", "  ")
	return errors.Join(e.Encode(r), f.Close())
}
