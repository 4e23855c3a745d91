package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
)

func TestZeroConfigIsGood(t *testing.T) {
	if err := (worker.Config{}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesEverythingWrong(t *testing.T) {
	err := worker.Config{
		Registers: []string{"10.0.0.1:1236", "nonsense"}, Cluster: "a\nb", HandlerTimeout: -time.Second, DrainTimeout: -1,
		MaxHandlers: -1, KnownConns: -1, RetainBytes: -1, Resync: worker.Binary(nil), Labels: map[string]string{"path": "chat", "weight": "0", "route": "room"},
	}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"10.0.0.1:1236 is not a loopback address", `"nonsense" is not host:port`, "cluster", "handler-timeout", "drain-timeout",
		"max-handlers", "known-conns", "retain-bytes", "resync", "label path", "label weight", "label route",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	good := map[string]string{worker.PathLabel: "/chat", worker.WeightLabel: "0.5", worker.RouteLabel: "user"}
	if err := (worker.Config{Labels: good}).Validate(); err != nil {
		t.Error(err)
	}
	if _, err := worker.New(worker.Config{MaxHandlers: -1}); err == nil {
		t.Error("New took it")
	}
	if err := (worker.Config{Registers: []string{"10.0.0.1:1236"}, Secrets: []string{"s", ""}}).Validate(); err == nil || !strings.Contains(err.Error(), "secret 2 is empty") {
		t.Errorf("an empty secret: %v", err)
	}
}
