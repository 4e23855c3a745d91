package docs

import (
	"regexp"
	"strings"
)

// table is a table of a page; cells are trimmed.
type table struct {
	header []string
	rows   []row
}

type row struct {
	line  int
	cells []string
}

var tableRule = regexp.MustCompile(`^\|(?: *:?-+:? *\|)+$`)

// tables returns the tables of a page outside its code blocks.
func tables(text string) (all []table) {
	fenced, previous, inside, n := false, "", false, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		switch {
		case fenced || !strings.HasPrefix(line, "|"):
			inside = false
		case tableRule.MatchString(line):
			all, inside = append(all, table{header: cells(previous)}), true
		case inside:
			last := &all[len(all)-1]
			last.rows = append(last.rows, row{n, cells(line)})
		}
		previous = line
	}
	return all
}

// cells splits a line of a table; \| is a bar.
func cells(line string) (all []string) {
	line = strings.ReplaceAll(strings.Trim(line, "|"), `\|`, "\x00")
	for cell := range strings.SplitSeq(line, "|") {
		all = append(all, strings.TrimSpace(strings.ReplaceAll(cell, "\x00", "|")))
	}
	return all
}
