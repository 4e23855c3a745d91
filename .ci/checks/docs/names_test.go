package docs

import (
	"slices"
	"testing"

	"github.com/parley-im/parley/ci/checks/repo"
)

// TestNamesThatNothingBearsAreFound looks for names of every kind in this repository.
func TestNamesThatNothingBearsAreFound(t *testing.T) {
	n := here(t)
	for _, there := range []string{
		"Sender.ToUser", "Conn.Bind", "Handler.OnOpen", "Facts.RemoteAddr", "Totals.Conns", "Close.GatewayLost", "worker.Await", "Await", "ErrMoved",
		"fault.CloseKicked", "connid.ID", "workertest.Harness.LoseAcks", "rpc.Handle", "worker.Listing.All",
		"TestTwoPeopleTalk",
		"--ping-interval", "parley-gateway --ping-interval", "--secret-file", "PARLEY_SECRET",
		"parley_gateway_conns", "parley_gateway_deliveries_total", "parley_gateway_moves_total{reason}",
		"ChatService", "ChatService.SendMessage", "POST /v1/sendMessage", "POST /push/v1/send", "GET /v1/gateways",
		"parley-gateway", "parleyctl kick", "parleyctl key new", "make run", "docs/operating.md", "worker/rpc",
	} {
		if why := n.missing(there); why != "" {
			t.Errorf("%s: %s", there, why)
		}
	}
	for _, gone := range []string{
		"Sender.ToUsr", "Conn.Sender.ToUser", "worker.await", "fault.CloseFast", "hub.Hub", "workertest.Sender.ToUser", "sender.ToUser",
		"TestNothing", "--ping-intervall", "parley-worker --ping-interval", "PARLEY_SECRETS",
		"parley_gateway_con", "parley_worker_deliveries_total",
		"ChatService.SendMail", "POST /v1/sendMail", "POST /push/v1/sendMessage", "POST /v1/send", "parley-gatewy", "parley-gateway kick", "parleyctl kik", "make rum", "docs/operated.md", "anything else",
	} {
		if n.missing(gone) == "" {
			t.Errorf("%s is taken for something that is there", gone)
		}
	}
}

// here is what can be named in this repository.
func here(t *testing.T) *names {
	t.Helper()
	root, err := repo.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := repo.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	n, err := readNames(root, files)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTestsThatNobodyHasWrittenAreFound(t *testing.T) {
	got := here(t).checkTests("p", "`TestTwoPeopleTalk` shows it,\nand `TestThreePeopleTalk`; `Test` and Testing are no tests.\n")
	if want := []string{"p:2: `TestThreePeopleTalk`: no such test"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlyOurColumnIsLookedAt(t *testing.T) {
	n := here(t)
	got := n.check("p", "| there | here | why |\n|---|---|---|\n| `sendToUser` | `Sender.ToUser` or `Sender.ToUsr` | `x\\|y` |\n| `a` | `Sender` |\n\n"+
		"```\n| here |\n|---|\n| `nothing` |\n```\n\n| here |\n|---|\n| nothing in code |\n")
	want := []string{"p:3: `Sender.ToUsr`: no such name in Go or in the protos", "p:4: 2 cells under 3 headings"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := n.check("p", "| ours |\n|---|\n| `x` |\n"); len(got) != 1 {
		t.Errorf("a page without the column: got %q", got)
	}
}
