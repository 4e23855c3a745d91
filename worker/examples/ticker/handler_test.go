package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// push sends as the feeder does.
func push(t *testing.T, s *worker.Sender, symbol, text string) {
	t.Helper()
	if err := s.ToGroups(t.Context(), []string{everything, one + symbol}, worker.Text(text), worker.Merge(symbol), worker.Await(new(worker.Result))); err != nil {
		t.Fatal(err)
	}
}

func TestClientsGetWhatTheyWatchOnce(t *testing.T) {
	h := workertest.New(t, hall{}, workertest.WithGateways(2))
	all, tea, both := h.Dial("/"), h.Dial("/?symbols=TEA"), h.Dial("/?symbols=TEA,RICE")
	push(t, h.Sender(), "TEA", "tea 1")
	push(t, h.Sender(), "RICE", "rice 1")
	for _, want := range []string{"tea 1", "rice 1"} {
		all.Expect(want)
		both.Expect(want)
	}
	tea.Expect("tea 1")

	h.LoseAcks(1)
	tea.SendText(`{"watch":["RICE","TEA"]}`)
	tea.Expect(`{"watching":["RICE","TEA"]}`)
	both.SendText(`{"watch":[]}`)
	both.Expect(`{"watching":[]}`)
	push(t, h.Sender(), "RICE", "rice 2")
	push(t, h.Sender(), "SALT", "salt 1")
	for _, c := range []*workertest.Conn{all, both} {
		c.Expect("rice 2")
		c.Expect("salt 1")
	}
	tea.Expect("rice 2")
	for _, c := range []*workertest.Conn{all, tea, both} {
		c.ExpectNothing()
	}
}

func TestWhatIsHostileGetsAnErrorAndEndsNothing(t *testing.T) {
	h := workertest.New(t, hall{})
	for _, query := range []string{"tea", "TEA%20", "%3Cb%3E", "TEA,", strings.Repeat("X", 13), strings.Repeat("TEA,", 33)} {
		c, refusal := h.TryDial("/?symbols=" + query)
		if good := query == "TEA,"; good != (c != nil) || !good && refusal.Status != http.StatusBadRequest {
			t.Errorf("%s: %v", query, refusal)
		}
	}
	eve := h.Dial("/?symbols=TEA")
	for _, said := range []string{``, `{`, `null`, `[]`, `{}`, `{"watch":7}`, `{"watch":"TEA"}`, `{"watch":["<b>"]}`, `{"watch":[""]}`, fmt.Sprintf(`{"watch":[%s"TEA"]}`, strings.Repeat(`"TEA",`, 32))} {
		eve.SendText(said)
		eve.Expect(`{"error":"not an object that has up to 32 symbols to watch"}`)
	}
	push(t, h.Sender(), "TEA", "still")
	eve.Expect("still")
}
