package ctl

import (
	"io"
	"strings"
)

// gap stands between two columns of a table.
const gap = "  "

// column is one of a table.
type column struct {
	title string
	right bool // numbers stand at the right
	least int  // columns of the terminal that it keeps when the line is too long; 0: all
}

// table writes rows in columns that stand below one another. Rows may come in several
// batches: a column never becomes narrower, and is as wide as what has come so far.
// Within a terminal a line is no longer than it; elsewhere nothing is cut.
type table struct {
	columns []column
	room    int // columns of the terminal; 0: it is none
	widths  []int
}

func newTable(room int, columns ...column) *table { return &table{columns: columns, room: room} }

// write adds rows, below the titles if they are the first.
func (t *table) write(w io.Writer, rows [][]string) error {
	var b strings.Builder
	first := t.widths == nil
	if first {
		t.widths = make([]int, len(t.columns))
		for i, c := range t.columns {
			t.widths[i] = columns(c.title)
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], columns(cell))
		}
	}
	widths := t.fit()
	if first {
		titles := make([]string, len(t.columns))
		for i, c := range t.columns {
			titles[i] = c.title
		}
		t.row(&b, widths, titles)
	}
	for _, row := range rows {
		t.row(&b, widths, row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fit takes from the widest of the columns that may be cut until a line fits.
func (t *table) fit() []int {
	widths := append([]int(nil), t.widths...)
	if t.room == 0 {
		return widths
	}
	total := len(gap) * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for ; total > t.room; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break // the terminal breaks the line
		}
		widths[widest]--
	}
	return widths
}

func (t *table) row(b *strings.Builder, widths []int, cells []string) {
	var l strings.Builder
	for i, cell := range cells {
		if i > 0 {
			l.WriteString(gap)
		}
		cell = clip(cell, widths[i])
		pad := strings.Repeat(" ", widths[i]-columns(cell))
		if t.columns[i].right {
			l.WriteString(pad + cell)
		} else {
			l.WriteString(cell + pad)
		}
	}
	b.WriteString(strings.TrimRight(l.String(), " "))
	b.WriteByte('\n')
}
