package main

import (
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// start runs one gateway and one worker, and returns where clients connect.
func start(t *testing.T) (url string) {
	t.Helper()
	c := clustertest.Start(t, clustertest.Config{Gateways: 1, Workers: 1}, func(func()) worker.Handler { return broadcast{} })
	return c.URLs[0]
}

func TestEveryoneHearsWhatAnyoneSays(t *testing.T) {
	url := start(t)
	all := []*clustertest.Client{clustertest.Dial(t, url), clustertest.Dial(t, url), clustertest.Dial(t, url)}
	for i, text := range []string{"one", "你好 👋", ""} {
		all[i].Say(text)
		for _, c := range all {
			c.Hears(text) // the sender too
		}
	}
}

func TestABinaryFrameIsNotPassedOn(t *testing.T) {
	a := clustertest.Dial(t, start(t))
	a.SayBinary([]byte("bytes"))
	a.Say("text")
	a.Hears("text")
}
