// Support is a chat on the pages of a shop: visitors wait, agents take, hand over and
// close. ../README.md has its frames; all workers share the file --database=support.db.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // the driver, in Go

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&desk{}) }

// talk is a row, one for each visitor, who is known by a secret of his own.
type talk struct {
	ID      uint64 `json:"talk"`
	Visitor string `json:"-" gorm:"uniqueIndex"`
	Name    string `json:"name"`
	State   string `json:"state"` // waiting, open or closed
	Agent   string `json:"agent"`
	Rev     uint64 `json:"rev" gorm:"index"` // rises with every change of any talk
	Asked   uint64 `json:"-"`                // the rev that began the wait
	Lines   []line `json:"lines" gorm:"serializer:json"`
}

type line struct {
	ID   string `json:"id"`
	By   string `json:"by"` // the agent; "": the visitor
	Text string `json:"text"`
	At   int64  `json:"at"` // Unix milliseconds
}

type frame struct {
	Type, Visitor, Name, Key, To, ID, Text string
	Talk, Rev                              uint64
}

type desk struct {
	worker.Base
	file, key string
	db        *gorm.DB
}

func (d *desk) Flags(fs *flag.FlagSet) {
	fs.StringVar(&d.file, "database", "support.db", "SQLite `file` of the talks, one for all workers")
	fs.StringVar(&d.key, "desk-key", "", "what agents have to know; empty: everybody may be one")
}

// OnMessage joins before it reads, as others write before they send: nothing falls between.
func (d *desk) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f frame
	err, s, db, before, talks := json.Unmarshal(m.Payload, &f), c.Sender(), d.db.WithContext(ctx), int64(0), []talk{}
	crowd, _ := s.GroupUsers(ctx, "agents", 1000) // without those that cannot be asked
	kind, who, _ := strings.Cut(c.User(), " ")
	look := kind == "" && f.Type == "serve" // the queue or the agents are others now
	switch good := err == nil && max(len(f.Visitor), len(f.Name), len(f.To), len(f.ID)) <= 64 && len(f.Text) <= 1000; {
	case good && f.Type == "visit" && len(f.Visitor) >= 20 && (kind == "" || c.User() == "visitor "+f.Visitor):
		err = cmp.Or(c.Bind(ctx, "visitor "+f.Visitor), c.Join(ctx, "visitors", "visitor "+f.Visitor), db.Find(&talks, "visitor = ?", f.Visitor).Error)
	case good && f.Type == "serve" && f.Key == d.key && f.Name != "" && (kind == "" || c.User() == "agent "+f.Name):
		err = cmp.Or(c.Bind(ctx, "agent "+f.Name), c.Join(ctx, "agents"), db.Order("rev").Limit(5).Find(&talks, "state <> 'closed' AND rev > ?", f.Rev).Error)
	case good && (kind == "agent" || kind == "visitor" && f.Type == "say"):
		t := &talk{}
		if err = db.Transaction(func(tx *gorm.DB) error { return f.change(tx, t, kind == "agent", who, crowd.Users) }); err == nil {
			talks, look = append(talks, *t), f.Type != "say" || t.State == "waiting"
			err = s.ToGroups(ctx, []string{"agents", "visitor " + t.Visitor}, worker.JSON(map[string]any{"talks": talks}), worker.Once(fmt.Sprint(t.ID, " ", t.Rev)), worker.Await(new(worker.Result)))
		}
	default:
		err = fault.New(fault.Invalid, "not a frame of this desk, or not from you")
	}
	if err == nil && look {
		err = s.ToGroups(ctx, []string{"agents", "visitors"}, worker.Text(`{"look":true}`), worker.Once(fmt.Sprint(c.ID(), m.Seq)), worker.Await(new(worker.Result)))
	}
	if err != nil && fault.Of(err).Code().HTTP() < 500 {
		return c.Reply(worker.JSON(map[string]string{"error": fault.Of(err).Message(), "id": f.ID}))
	}
	ahead := db.Model(&talk{}).Where("state = 'waiting' AND asked < (SELECT asked FROM talks WHERE visitor = ?)", cmp.Or(f.Visitor, who))
	return cmp.Or(err, ahead.Count(&before).Error, c.Reply(worker.JSON(map[string]any{"talks": talks, "before": &before, "agents": append([]string{}, crowd.Users...)})))
}

// change does what is asked, unless it has been done.
func (f *frame) change(tx *gorm.DB, t *talk, agent bool, who string, agents []string) error {
	rev, by, query := uint64(0), "", tx.Where("visitor = ?", who)
	if agent {
		by, query = who, tx.Where("id = ?", f.Talk)
	}
	err := cmp.Or(query.Limit(1).Find(t).Error, tx.Raw("SELECT COALESCE(MAX(rev), 0) + 1 FROM talks").Scan(&rev).Error)
	mine, said := t.State == "open" && (!agent || t.Agent == who), func(l line) bool { return l.By == by && l.ID == f.ID }
	switch there := func(name string) bool { return slices.Contains(agents, "agent "+name) }; {
	case err != nil, f.Type == "close" && t.State == "closed", f.Type == "say" && slices.ContainsFunc(t.Lines, said):
		return err
	case f.Type == "say" && f.Text != "" && f.ID != "" && (mine || !agent):
		if t.State != "open" && t.State != "waiting" {
			*t = talk{ID: t.ID, Visitor: who, Name: cmp.Or(f.Name, t.Name), State: "waiting", Asked: rev, Lines: t.Lines}
		}
		t.Lines = append(t.Lines[max(0, len(t.Lines)-199):], line{f.ID, by, f.Text, time.Now().UnixMilli()})
	case f.Type == "take" && (mine || t.State == "waiting" || t.State == "open" && !there(t.Agent)):
		t.State, t.Agent = "open", by
	case f.Type == "transfer" && (mine || t.State == "open" && t.Agent == f.To) && there(f.To):
		t.Agent = f.To
	case f.Type == "close" && mine:
		t.State = "closed"
	default:
		return fault.New(fault.Conflict, "this talk is not yours, or has ended, or who shall have it is not there")
	}
	t.Rev = rev
	return tx.Save(t).Error
}

//go:embed index.html desk.html widget.js
var pages embed.FS

func (d *desk) OnStart(ctx context.Context, _ *worker.Sender) (err error) {
	if d.db, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + d.file + "?_pragma=busy_timeout(5000)&_txlock=immediate"}); err == nil {
		err = d.db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&talk{}) })
	}
	if addr := os.Getenv("PARLEY_PAGE"); err == nil && addr != "" {
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
			context.AfterFunc(ctx, func() { _ = server.Close() })
			go func() { _ = server.Serve(l) }() // until it is closed
		}
	}
	return err
}

func site(gateways string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(pages))
	mux.HandleFunc("GET /gateways", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // the widget is on pages of others
		_ = json.NewEncoder(w).Encode(strings.Split(cmp.Or(gateways, "ws://127.0.0.1:8282"), ","))
	})
	return mux
}
