package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// outcome is what a client hears.
type outcome struct {
	ID, State, Of, Error, Message string
	Again                         bool
	Characters                    int
}

type client struct{ *clustertest.Client }

func dial(t *testing.T, url string) client {
	t.Helper()
	return client{clustertest.Dial(t, url+"?user=ann")}
}

func (c client) asks(id, of string) {
	c.T.Helper()
	c.Say(fmt.Sprintf(`{"task":"report","id":%q,"of":%q}`, id, of))
}

func (c client) hears() (o outcome) {
	c.T.Helper()
	if err := json.Unmarshal([]byte(c.Next()), &o); err != nil {
		c.T.Fatal(err)
	}
	return o
}

func TestTheUserHearsOnAllHisConns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := clustertest.Start(t, clustertest.Config{}, func(func()) worker.Handler { return b.office(report) })
	here, there := dial(t, c.URLs[0]), dial(t, c.URLs[1])
	const done, queued = `{"characters":2,"id":"1","state":"done"}`, `{"id":"1","state":"queued"}`
	here.asks("1", "你好")
	there.Hears(done)
	if first, second := here.Next(), here.Next(); first+second != done+queued && first+second != queued+done {
		t.Errorf("heard %s and %s", first, second)
	}
	here.asks("1", "again") // it is known
	here.Hears(queued)
	there.asks("3", "a")
	for range 2 { // and nothing else came in between
		if o := there.hears(); o.ID != "3" {
			t.Errorf("heard %+v", o)
		}
	}
}

func TestAFullQueueRefusesUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	begin, goOn := make(chan struct{}, 9), make(chan struct{})
	o := b.office(func(ctx context.Context, t task) (map[string]any, error) {
		begin <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return report(ctx, t)
	})
	o.room = 3
	c := clustertest.Start(t, clustertest.Config{Workers: 1}, func(func()) worker.Handler { return o })
	ann := dial(t, c.URLs[0])
	for i := range 3 {
		ann.asks(strconv.Itoa(i), "a")
		ann.Hears(fmt.Sprintf(`{"id":"%d","state":"queued"}`, i))
	}
	<-begin // one of them runs
	const refused = `{"again":true,"error":"OVERLOADED","id":"3","message":"too many tasks wait","state":"refused"}`
	ann.asks("3", "a")
	ann.Hears(refused)
	ann.asks("1", "a") // what is in it is in it
	ann.Hears(`{"id":"1","state":"queued"}`)
	close(goOn)
	for i := range 3 {
		if o := ann.hears(); o.ID != strconv.Itoa(i) || o.State != "done" {
			t.Errorf("heard %+v", o)
		}
	}
	eventually(t, "the queue is empty", func() bool { return b.state(b.stream).Msgs == 0 })
	ann.asks("3", "a")
	for range 2 {
		if o := ann.hears(); o.ID != "3" || o.State != "queued" && o.State != "done" {
			t.Errorf("heard %+v", o)
		}
	}
}

func TestWithoutNATSATaskIsRefusedForNow(t *testing.T) {
	t.Parallel()
	b := benchAt(t, "")
	c := clustertest.Start(t, clustertest.Config{Workers: 1}, func(func()) worker.Handler { return b.office(report) })
	ann := dial(t, c.URLs[0])
	b.stop()
	ann.asks("1", "a")
	if o := ann.hears(); o.State != "refused" || o.Error != "UNAVAILABLE" || !o.Again {
		t.Errorf("heard %+v", o)
	}
	b.start()
	first := ""
	eventually(t, "a client that comes again is heard", func() bool {
		ann.asks("1", "a")
		o := ann.hears()
		first = o.State
		return first != "refused"
	})
	if last := ann.hears().State; first+last != "queueddone" && first+last != "donequeued" {
		t.Errorf("heard %s and %s", first, last)
	}
}
