package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

func ponds(func()) worker.Handler { return pond{} }

// enter dials and learns its number.
func enter(t *testing.T, url string) (*clustertest.Client, int64) {
	t.Helper()
	c := clustertest.Dial(t, url)
	var f struct {
		Type string
		ID   int64
	}
	if err := json.Unmarshal([]byte(c.Next()), &f); err != nil || f.Type != "welcome" || f.ID <= 0 || f.ID >= 1<<53 {
		t.Fatalf("welcomed with %+v, %v", f, err)
	}
	return c, f.ID
}

func TestThePondOverTwoGateways(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, ponds)
	ann, a := enter(t, c.URLs[0])
	bob, b := enter(t, c.URLs[1])
	if a == b {
		t.Fatalf("both are %d", a)
	}
	ann.Say(`{"type":"update","x":"0.5","y":"2.0","angle":"3.142","momentum":"1.000","name":"ann"}`)
	for _, who := range []*clustertest.Client{ann, bob} {
		who.Hears(fmt.Sprintf(`{"type":"update","id":%d,"angle":3.142,"momentum":1,"x":0.5,"y":2,"life":1,"name":"ann","authorized":false}`, a))
	}
	bob.Say(`{"type":"message","message":"你好"}`)
	for _, who := range []*clustertest.Client{ann, bob} {
		who.Hears(fmt.Sprintf(`{"id":%d,"message":"你好","type":"message"}`, b))
	}
	_ = bob.Close()
	ann.Hears(fmt.Sprintf(`{"id":%d,"type":"closed"}`, b))
}

// TestTheNewestPositionComesThrough swims faster than anybody can look.
func TestTheNewestPositionComesThrough(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, ponds)
	ann, a := enter(t, c.URLs[0])
	bob, _ := enter(t, c.URLs[1])
	const last = 500
	for x := 1; x <= last; x++ {
		ann.Say(fmt.Sprintf(`{"type":"update","x":%d}`, x))
	}
	for x := 0; x < last; {
		var f struct {
			ID int64
			X  int
		}
		if err := json.Unmarshal([]byte(bob.Next()), &f); err != nil || f.ID != a || f.X <= x {
			t.Fatalf("after %d came %+v, %v", x, f, err)
		}
		x = f.X
	}
}
