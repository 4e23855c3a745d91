package local

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/parley-im/parley/deploy/demo"
)

// last is the last line of every box.
const last = "Ctrl-C ends everything."

// box is what a person reads when everything is ready.
func (o Options) box(c *Config) (string, error) {
	if o.Chat {
		return o.chatBox(c)
	}
	title := "Parley runs the example " + o.Example + "."
	what := "This example has no page: talk to a gateway with any WebSocket client."
	var rows []string
	switch {
	case c.Page:
		rows = append(rows, "page      "+c.pageURL(c.Host))
		what = "Open the page twice and talk."
		if c.PushKey != "" {
			rows = append(rows, "push      http://"+c.addr(c.apiPort())+"/push/v1/send", "key       "+c.PushKey)
			what = "Open the page: what it shows comes by push, and you may push too."
		}
	case c.Workers == 0:
		title, what = c.ownWorker()
	}
	rows = append([]string{title, ""}, rows...)
	rows = append(rows, c.addresses()...)
	if c.Programs.NATS != "" {
		rows = append(rows, "NATS      "+c.natsURL())
	}
	return frame(append(rows, "", what, last)), nil
}

// chatBox is the box of the chat, and below it the code that a phone can read.
func (o Options) chatBox(c *Config) (string, error) {
	title := "Parley runs."
	what := bots() + " answer when written to."
	var below string
	rows := []string{"page      " + c.pageURL(c.Host)}
	if o.LAN {
		address := o.address
		if address == nil {
			address = lanAddress
		}
		host, err := address()
		if err != nil {
			return "", err
		}
		url := c.pageURL(host)
		rows = append(rows, "phone     "+url+"  (for everybody in your network)")
		if below, err = qrCode(url, o.Color); err != nil {
			return "", err
		}
		below += "\n"
	}
	for i, a := range demo.Accounts {
		head := ""
		if i == 0 {
			head = "sign in"
		}
		row := fmt.Sprintf("%-9s %-10s  %s", head, a.Name, a.Display)
		if i == 0 {
			row += "   password " + demo.Password + " for all"
		}
		rows = append(rows, row)
	}
	if c.Workers == 0 {
		title, what = c.ownWorker()
		below += "  A worker of the chat, by hand:\n\n  go run ./" + o.worker() + " --register " + c.registers() +
			" --nats " + c.natsURL() + " --database " + o.database() + "\n\n"
	}
	rows = append([]string{title, ""}, rows...)
	rows = append(rows, c.addresses()...)
	rows = append(rows, "data      "+o.Data, "look      "+o.parleyctl(c), "", what, last)
	return frame(rows) + below, nil
}

// bots names the accounts that a program answers for.
func bots() string {
	var names []string
	for _, a := range demo.Accounts {
		if a.Bot {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, " and ")
}

// ownWorker says how somebody comes to a worker when none was started.
func (c *Config) ownWorker() (title, what string) {
	return "Parley runs without a worker: gateways let nobody in before one comes.",
		"Start one of yours: go run . --register " + c.registers()
}

// addresses lists where the roles are.
func (c *Config) addresses() []string {
	rows := column("gateways", c.Gateways, c.gatewayURL)
	rows = append(rows, column("register", c.Registers, func(i int) string { return c.addr(c.Ports.Register + i) })...)
	return append(rows, column("metrics", c.Gateways, func(i int) string {
		return fmt.Sprintf("http://%s/metrics", c.addr(c.Ports.GatewayOps+i))
	})...)
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
	widest := 0
	for _, r := range rows {
		widest = max(widest, width(r))
	}
	var b strings.Builder
	edge := strings.Repeat("─", widest+2)
	fmt.Fprintf(&b, "\n  ┌%s┐\n", edge)
	for _, r := range rows {
		fmt.Fprintf(&b, "  │ %s%s │\n", r, strings.Repeat(" ", widest-width(r)))
	}
	fmt.Fprintf(&b, "  └%s┘\n\n", edge)
	return b.String()
}

// width is how many columns of a terminal a line takes: a Chinese character takes two.
func width(line string) (n int) {
	for _, r := range line {
		n++
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}
