package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// desks are two workers that share a file, as two processes of one machine do.
func desks(t *testing.T) func(func()) worker.Handler {
	file := filepath.Join(t.TempDir(), "doc.db")
	var all []*desk
	t.Cleanup(func() {
		for _, d := range all {
			closed(d.db)
		}
	})
	return func(func()) worker.Handler {
		all = append(all, &desk{file: file})
		return all[len(all)-1]
	}
}

func TestTwoWriteOnTwoGateways(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, desks(t))
	ann, bob := clustertest.Dial(t, c.URLs[0]+"?doc=notes&name=ann"), clustertest.Dial(t, c.URLs[1]+"?doc=notes&name=bob")
	for _, who := range []*clustertest.Client{ann, bob} {
		who.Say(`{"base":0}`)
		who.Hears(`{"text":"","version":0}`)
	}
	ann.Say(`{"id":"a1","base":0,"at":0,"del":0,"ins":"Dear <b>"}`)
	for _, who := range []*clustertest.Client{ann, bob} {
		who.Hears(`{"edits":[{"version":1,"id":"a1","by":"ann","at":0,"del":0,"ins":"Dear \u003cb\u003e"}]}`)
	}
	bob.Say(`{"id":"b1","base":0,"at":0,"del":0,"ins":"?"}`) // he had not heard of it: it goes behind
	for _, who := range []*clustertest.Client{ann, bob} {
		var f frame
		if err := json.Unmarshal([]byte(who.Next()), &f); err != nil || len(f.Edits) != 1 || f.Edits[0].Version != 2 || f.Edits[0].At != 8 {
			t.Errorf("it became %+v, %v", f, err)
		}
	}
	late := clustertest.Dial(t, c.URLs[1]+"?doc=notes&name=cid")
	late.Say(`{}`)
	late.Hears(`{"text":"Dear \u003cb\u003e?","version":2}`)
	bob.Say(`{"base":1}`)
	var f frame
	if err := json.Unmarshal([]byte(bob.Next()), &f); err != nil || len(f.Edits) != 1 || f.Edits[0].ID != "b1" || len(f.People) != 3 {
		t.Errorf("since 1: %+v, %v", f, err)
	}
	late.Say(`{"id":"c1","base":3}`)
	late.Hears(fmt.Sprintf(`{"error":%q,"id":"c1"}`, "not an edit of the text, or it would have more than 20,000 characters"))
}
