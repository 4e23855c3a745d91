// Shareddoc is one text that several people edit at once; ../README.md has its frames. All
// workers of a machine share the file that --database=shareddoc.db names. With
// PARLEY_PAGE=127.0.0.1:8080 one serves a page too.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // the driver, in Go

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&desk{}) }

// edit is a row: it made Version of Doc, with Ins where Del characters from At on were. A
// client chose its ID, so what comes again is known. The newest has the Text.
type edit struct {
	Doc     string `json:"-" gorm:"primaryKey;uniqueIndex:once"`
	Version int    `json:"version" gorm:"primaryKey;autoIncrement:false"`
	ID      string `json:"id" gorm:"uniqueIndex:once"`
	By      string `json:"by" gorm:"column:author"`
	At      int    `json:"at"`
	Del     int    `json:"del"`
	Ins     string `json:"ins"`
	Text    string `json:"-"`
	Base    int    `json:"base,omitempty" gorm:"-"` // the version that its client had
}

type desk struct {
	worker.Base
	file string
	db   *gorm.DB
}

func (d *desk) Flags(fs *flag.FlagSet) {
	fs.StringVar(&d.file, "database", "shareddoc.db", "SQLite `file` of the texts, one for all workers")
}

func (d *desk) OnOpen(ctx context.Context, c *worker.Conn) error {
	return errors.Join(c.Bind(ctx, c.Facts().Values().Get("name")), c.Join(ctx, c.Facts().Values().Get("doc")))
}

// OnMessage changes the text, or says what it is or what became of it since a version. A
// conn joins before it asks, as others commit before they send: nothing falls in between.
func (d *desk) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f edit
	err, db, out, edits := json.Unmarshal(m.Payload, &f), d.db.WithContext(ctx), map[string]any{}, []edit{}
	switch f.Doc, f.By, f.Version = c.Groups()[0], c.User(), 0; {
	case err != nil || len(f.ID) > 64 || f.ID == "" && (f.Del != 0 || f.Ins != ""):
		err = fault.New(fault.Invalid, "not an object with integers and an id of up to 64 bytes, which an edit has to have")
	case f.ID != "":
		if err = db.Transaction(f.apply); err == nil {
			out["edits"] = []edit{f}
			err = c.Sender().ToGroup(ctx, f.Doc, worker.JSON(out), worker.Except(c.ID()), worker.Once(fmt.Sprintf("%q %d", f.Doc, f.Version)), worker.Await(new(worker.Result)))
		}
	case f.Base > 0:
		crowd, _ := c.Sender().GroupUsers(ctx, f.Doc, 50)
		err = db.Order("version").Limit(500).Find(&edits, "doc = ? AND version > ?", f.Doc, f.Base).Error
		out["edits"], out["people"] = edits, crowd.Users
	default:
		err = db.Order("version DESC").Limit(1).Find(&f, "doc = ?", f.Doc).Error
		out["version"], out["text"] = f.Version, f.Text
	}
	if err != nil && fault.Of(err).Code().HTTP() < 500 {
		return c.Reply(worker.JSON(map[string]string{"id": f.ID, "error": fault.Of(err).Message()}))
	}
	return cmp.Or(err, c.Reply(worker.JSON(out)))
}

// apply makes the next version, or the edit what it was when it has been applied before.
func (e *edit) apply(tx *gorm.DB) error {
	now, done, since := edit{}, []edit{}, []edit{}
	err := errors.Join(tx.Find(&done, "doc = ? AND id = ?", e.Doc, e.ID).Error,
		tx.Order("version DESC").Limit(1).Find(&now, "doc = ?", e.Doc).Error,
		tx.Order("version").Find(&since, "doc = ? AND version > ?", e.Doc, e.Base).Error)
	if err != nil || len(done) > 0 {
		*e = append(done, *e)[0]
		return err
	}
	for _, o := range since {
		e.after(o)
	}
	text := []rune(now.Text)
	if e.Base > now.Version || e.At < 0 || e.Del < 0 || e.Del > len(text) || e.At > len(text)-e.Del || len(text)-e.Del+len([]rune(e.Ins)) > 20000 {
		return fault.New(fault.Invalid, "not an edit of the text, or it would have more than 20,000 characters")
	}
	e.Version, e.Text = now.Version+1, string(text[:e.At])+e.Ins+string(text[e.At+e.Del:])
	return errors.Join(tx.Create(e).Error, tx.Exec("UPDATE edits SET text = '' WHERE doc = ? AND version = ?", e.Doc, now.Version).Error)
}

// after makes an edit one that means the same when another has been applied before it. What
// somebody inserted is not lost: who deletes around it puts it back.
func (e *edit) after(o edit) {
	put, end, ends := len([]rune(o.Ins)), e.At+e.Del, o.At+o.Del
	switch {
	case ends <= e.At: // the other is before it
		e.At += put - o.Del
	case o.At >= end: // … or behind
	case e.At >= o.At: // it begins in what is no longer there
		e.At, e.Del = o.At+put, max(0, end-ends)
	case end <= ends: // … or ends in it
		e.Del = o.At - e.At
	default:
		e.Del, e.Ins = e.Del+put-o.Del, e.Ins+o.Ins
	}
}

//go:embed index.html
var page embed.FS

func (d *desk) OnStart(ctx context.Context, _ *worker.Sender) (err error) {
	if d.db, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + d.file + "?_pragma=busy_timeout(5000)&_txlock=immediate"}); err == nil {
		err = d.db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&edit{}) })
	}
	addr := os.Getenv("PARLEY_PAGE")
	if err != nil || addr == "" {
		return err
	}
	l, err := net.Listen("tcp", addr)
	if err == nil {
		server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		go func() { _ = server.Serve(l) }() // until it is closed
	}
	return err
}

func site(gateways string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /gateways", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(strings.Split(cmp.Or(gateways, "ws://127.0.0.1:8282"), ","))
	})
	return mux
}
