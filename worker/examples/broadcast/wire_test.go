package main

import (
	"testing"

	"golang.org/x/net/websocket"
)

func TestEveryoneHearsWhatAnyoneSays(t *testing.T) {
	url := start(t, broadcast{})
	all := []*client{dial(t, url), dial(t, url), dial(t, url)}
	for i, text := range []string{"one", "你好 👋", ""} {
		all[i].say(text)
		for _, c := range all {
			c.hears(text) // the sender too
		}
	}
}

func TestABinaryFrameIsNotPassedOn(t *testing.T) {
	a := dial(t, start(t, broadcast{}))
	if err := websocket.Message.Send(a.Conn, []byte("bytes")); err != nil {
		t.Fatal(err)
	}
	a.say("text")
	a.hears("text")
}
