package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/workertest"
)

// TestAMarkComesOffAlthoughItsHandlerIsOver ends the handler's time when it has just
// marked what waits: the pair is free at once, and the message comes with the next init.
func TestAMarkComesOffAlthoughItsHandlerIsOver(t *testing.T) {
	d, bob, deliver := waiting(t)
	if err := deliver(func() {}); err == nil {
		t.Error("it hands over although its time is over")
	}
	if got := marked(t, d.db); got != "[hi of nobody]" {
		t.Errorf("what waits is %s", got)
	}
	if got := enters(t, bob, "2", "1"); fmt.Sprint(got) != "[hi]" {
		t.Errorf("waited %q", got)
	}
}

// TestWhoGoesOnKeepsTheMark has two workers with the same event: the conn of the first one
// has moved, and the second one has marked what waits before the first one takes its mark off.
func TestWhoGoesOnKeepsTheMark(t *testing.T) {
	d, _, deliver := waiting(t)
	err := deliver(func() {
		again := map[string]any{"hand": "a hand", "from": "1", "to": "2", "now": time.Now().UnixMilli() + 1}
		if err := d.db.Exec(claim, again).Error; err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		t.Error("it hands over although the conn has moved")
	}
	if got := marked(t, d.db); got != "[hi of a hand]" {
		t.Errorf("what waits is %s", got)
	}
}

// waiting has a message for bob, and hands it over in a time that ends when it has been
// marked; before the mark comes off, meanwhile is called.
func waiting(t *testing.T) (d *desk, bob *workertest.Conn, deliver func(meanwhile func()) error) {
	t.Helper()
	d = newDesk(t)
	h := workertest.New(t, d, workertest.WithGateways(2))
	ann, bob := h.Dial("/"), h.Dial("/")
	enters(t, ann, "1", "2")
	says(t, ann, "1", "2", "hi")
	enters(t, bob, "2", "9")
	return d, bob, func(meanwhile func()) error {
		ctx, cancel := context.WithCancel(t.Context())
		db, over := d.db.Callback(), false
		thaw := func() {}
		err := errors.Join(
			db.Row().After("gorm:row").Register("marked", func(*gorm.DB) {
				if ctx.Err() == nil {
					thaw = h.FreezeGateway(1) // what is sent now is not answered
					cancel()
				}
			}),
			db.Raw().Before("gorm:raw").Register("not yet off", func(*gorm.DB) {
				if !over {
					over = true
					meanwhile()
				}
			}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { thaw() }()
		return d.deliver(ctx, h.Sender(), "a hand", "1", "2", bob.ID())
	}
}

// marked are the messages that wait, each with its hand.
func marked(t *testing.T, db *gorm.DB) string {
	t.Helper()
	var rows []message
	if err := db.Where("NOT read").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range rows {
		all = append(all, row.Content+" of "+cmp.Or(row.Hand, "nobody"))
	}
	return fmt.Sprint(all)
}
