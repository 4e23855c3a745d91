package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

func halls(func()) worker.Handler { return hall{} }

// TestASlowReaderGetsTheNewest pushes more than fits between a gateway and one who does not
// read. One who reads gets every value.
func TestASlowReaderGetsTheNewest(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Limits: gateway.Limits{WriteTimeout: time.Minute}}, halls) // by default who reads nothing for 5 s is closed
	fast, slow := clustertest.Dial(t, c.URLs[1]), dialSmall(t, c.URLs[0]+"?symbols=TEA")
	const values = 100
	pad := strings.Repeat("x", 32<<10)
	for n := range values {
		push(t, c.Workers[0].Sender(), "TEA", fmt.Sprintf(`{"symbol":"TEA","n":%d,"pad":%q}`, n, pad))
		fast.Hears(fmt.Sprintf(`{"symbol":"TEA","n":%d,"pad":%q}`, n, pad))
	}
	push(t, c.Workers[1].Sender(), "RICE", "rice") // which slow does not watch
	fast.Hears("rice")
	heard, last := 0, -1
	for last < values-1 {
		var f struct{ N int }
		if err := websocket.JSON.Receive(slow, &f); err != nil {
			t.Fatalf("after %d values, the last %d: %v", heard, last, err)
		}
		if f.N <= last {
			t.Fatalf("%d comes after %d", f.N, last)
		}
		heard, last = heard+1, f.N
	}
	if heard == values {
		t.Errorf("it has read all %d values, though it did not read while they came", heard)
	}
	t.Logf("who does not read gets %d of %d values, and the newest", heard, values)
}

// dialSmall connects somebody for whom little fits into the network.
func dialSmall(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	config, err := websocket.NewConfig(url, "http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", config.Location.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(3 * clustertest.Patience))
	ws, err := websocket.NewClient(config, conn)
	if err != nil {
		t.Fatal(err)
	}
	return ws
}
