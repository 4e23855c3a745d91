package local

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// box is what a person reads when everything is ready.
func (o Options) box(c *Config) string {
	title := "Parley runs the example " + o.Example + "."
	what := "This example has no page: talk to a gateway with any WebSocket client."
	var rows []string
	switch {
	case c.Page:
		rows = append(rows, fmt.Sprintf("page      http://%s/", c.addr(c.Ports.Page)))
		what = "Open the page twice and talk."
	case c.Workers == 0:
		title = "Parley runs without a worker: gateways let nobody in before one comes."
		what = "Start one of yours: go run . --register " + c.registers()
	}
	rows = append([]string{title, ""}, rows...)
	rows = append(rows, column("gateways", c.Gateways, c.gatewayURL)...)
	rows = append(rows, column("register", c.Registers, func(i int) string { return c.addr(c.Ports.Register + i) })...)
	rows = append(rows, column("metrics", c.Gateways, func(i int) string {
		return fmt.Sprintf("http://%s/metrics", c.addr(c.Ports.GatewayOps+i))
	})...)
	rows = append(rows, "", what, "Ctrl-C ends everything.")
	return frame(rows)
}

// column lists n values behind a name.
func column(name string, n int, value func(int) string) (rows []string) {
	for i := range n {
		rows = append(rows, fmt.Sprintf("%-9s %s", name, value(i)))
		name = ""
	}
	return rows
}

// frame draws a box around lines.
func frame(rows []string) string {
	width := 0
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r))
	}
	var b strings.Builder
	edge := strings.Repeat("─", width+2)
	fmt.Fprintf(&b, "\n  ┌%s┐\n", edge)
	for _, r := range rows {
		fmt.Fprintf(&b, "  │ %s%s │\n", r, strings.Repeat(" ", width-utf8.RuneCountInString(r)))
	}
	fmt.Fprintf(&b, "  └%s┘\n\n", edge)
	return b.String()
}
