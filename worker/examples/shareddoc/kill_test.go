package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/websocket"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

// writer is one who types: it sends the next edit when the one before is acknowledged, and
// follows what the others write.
type writer struct {
	name    string
	ws      *websocket.Conn
	version int
	text    []rune
	ahead   map[int]edit
	flying  string   // the id of its edit that is on its way
	saved   []string // ids of those that were acknowledged
}

// hear takes one frame.
func (w *writer) hear() error {
	var f frame
	_ = w.ws.SetReadDeadline(time.Now().Add(clustertest.Patience))
	if err := websocket.JSON.Receive(w.ws, &f); err != nil {
		return fmt.Errorf("%s: %w", w.name, err)
	}
	if f.Error != "" {
		return fmt.Errorf("%s is told: %s", w.name, f.Error)
	}
	for _, e := range f.Edits {
		w.ahead[e.Version] = e
	}
	for e, ok := w.ahead[w.version+1]; ok; e, ok = w.ahead[w.version+1] {
		delete(w.ahead, e.Version)
		w.version, w.text = e.Version, []rune(string(w.text[:e.At])+e.Ins+string(w.text[e.At+e.Del:]))
		if e.ID == w.flying {
			w.flying, w.saved = "", append(w.saved, e.ID)
		}
	}
	return nil
}

// write types so many edits: a text of its own somewhere, or takes a few characters away.
func (w *writer) write(edits int, typed func()) error {
	for n := range edits {
		w.flying = fmt.Sprintf("%s-%d", w.name, n)
		e := map[string]any{"id": w.flying, "base": w.version, "at": rand.IntN(len(w.text) + 1), "ins": w.flying + " "}
		if len(w.text) > 200 {
			e = map[string]any{"id": w.flying, "base": w.version, "at": rand.IntN(len(w.text) - 20), "del": 20}
		}
		if err := websocket.JSON.Send(w.ws, e); err != nil {
			return err
		}
		for w.flying != "" {
			if err := w.hear(); err != nil {
				return err
			}
		}
		typed()
	}
	return nil
}

// TestNoEditIsLostOrDoubledWhenWorkersAreKilled kills one of two worker processes after the
// other, as kill -9 does, while four people write.
func TestNoEditIsLostOrDoubledWhenWorkersAreKilled(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Workers: -1}, nil)
	file := filepath.Join(t.TempDir(), "doc.db")
	start := func() *clustertest.Process { return c.Process(t, "--database", file) }
	workers := []*clustertest.Process{start(), start()}
	var writers []*writer
	for i := range 4 {
		ws := clustertest.Dial(t, fmt.Sprintf("%s?doc=notes&name=w%d", c.URLs[i%2], i)).Conn
		writers = append(writers, &writer{name: fmt.Sprint("w", i), ws: ws, ahead: map[int]edit{}})
	}
	const edits, kills = 40, 3
	typed := make(chan struct{}, len(writers)*edits)
	ended := make(chan error, len(writers))
	for _, w := range writers {
		go func() { ended <- w.write(edits, func() { typed <- struct{}{} }) }()
	}
	for i := range kills {
		for range len(writers) * edits / (kills + 1) {
			select {
			case <-typed:
			case <-time.After(clustertest.Patience):
				t.Fatalf("nobody writes on after %d kills", i)
			}
		}
		workers[i%2].Kill()
		workers[i%2] = start()
	}
	for range writers {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}

	rows := rowsOf(t, file)
	want, saved := []rune{}, map[string]int{}
	for i, e := range rows {
		if e.Version != i+1 {
			t.Fatalf("version %d follows %d", e.Version, i)
		}
		want = []rune(string(want[:e.At]) + e.Ins + string(want[e.At+e.Del:]))
		saved[e.ID]++
	}
	if text := rows[len(rows)-1].Text; text != string(want) {
		t.Errorf("the text is %q, and its edits make %q", text, string(want))
	}
	if len(rows) != len(writers)*edits || len(saved) != len(rows) {
		t.Errorf("%d edits, %d of them different, want %d", len(rows), len(saved), len(writers)*edits)
	}
	for _, w := range writers {
		for _, id := range w.saved {
			if saved[id] != 1 {
				t.Errorf("%s was acknowledged and is there %d times", id, saved[id])
			}
		}
		for w.version < len(rows) { // what the last ones wrote is on its way
			if err := w.hear(); err != nil {
				t.Fatalf("%v, at version %d of %d", err, w.version, len(rows))
			}
		}
		if string(w.text) != string(want) {
			t.Errorf("%s has %q, want %q", w.name, string(w.text), string(want))
		}
	}
}

// rowsOf reads the edits past the workers.
func rowsOf(t *testing.T, file string) (rows []edit) {
	t.Helper()
	db, err := gorm.Open(sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + file})
	if err != nil {
		t.Fatal(err)
	}
	defer closed(db)
	if err := db.Order("version").Find(&rows, "doc = ?", "notes").Error; err != nil || len(rows) == 0 {
		t.Fatalf("no edits: %v", err)
	}
	return rows
}
