// Onetoone is talk between two: what is said to somebody who is away waits in a file that all
// workers share, --database=onetoone.db; ../README.md has its frames. With
// PARLEY_PAGE=127.0.0.1:8080 one serves a page too.
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
	"gorm.io/gorm/clause"
	_ "modernc.org/sqlite" // the driver, in Go

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&desk{}) }

// message is a row. What is Said twice is kept once; Hand hands it over, until Until.
type message struct {
	ID        uint64
	From      string `gorm:"column:sender;index:pair,priority:2"`
	To        string `gorm:"column:recipient;index:pair,priority:1"`
	Content   string
	Hand      string `gorm:"index"`
	At, Until int64  // Unix milliseconds
	Read      bool
	Said      string `gorm:"uniqueIndex"`
}

type desk struct {
	worker.Base
	file string
	db   *gorm.DB
}

func (d *desk) Flags(fs *flag.FlagSet) {
	fs.StringVar(&d.file, "database", "onetoone.db", "SQLite `file` of the messages, one for all workers")
}

func (d *desk) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f struct{ Flag, From, To, Content, ID string }
	err := json.Unmarshal(m.Payload, &f)
	hand, answer, db := fmt.Sprint(c.ID(), m.Seq), map[string]any{"flag": f.Flag, "from": f.From, "to": f.To, "id": f.ID}, d.db.WithContext(ctx)
	refuse := func(code fault.Code, message string) error {
		return c.Reply(worker.JSON(map[string]string{"flag": "error", "id": f.ID, "code": code.String(), "message": message}))
	}
	switch {
	case err != nil || f.From == "" || f.To == "" && f.Flag != "unread" || max(len(f.From), len(f.To), len(f.ID)) > 64:
		return refuse(fault.Invalid, "not a JSON object with flag, from and to of up to 64 bytes each")
	case c.User() != f.From && (c.User() != "" || f.Flag != "init"):
		return refuse(fault.Forbidden, "from is not the user of this connection")
	case f.Flag == "init":
		if err = c.Bind(ctx, f.From); err == nil {
			err = d.deliver(ctx, c.Sender(), hand, f.To, f.From, c.ID())
		}
	case f.Flag == "msg" && f.Content != "" && len(f.Content) <= 4000:
		row := message{From: f.From, To: f.To, Content: f.Content, At: time.Now().UnixMilli(), Said: fmt.Sprintf("%q %q", f.From, cmp.Or(f.ID, hand))}
		if err = db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err == nil {
			answer["flag"], err = "sent", d.deliver(ctx, c.Sender(), hand, f.From, f.To)
		}
	case f.Flag == "unread":
		unread := &[]map[string]any{}
		answer["unread"], err = unread, db.Raw("SELECT sender AS peer, COUNT(*) AS count FROM messages WHERE recipient = ? AND NOT read GROUP BY sender LIMIT 1000", f.From).Scan(unread).Error
	default:
		return refuse(fault.Invalid, "unknown flag, or not 1 to 4,000 bytes of content")
	}
	if err != nil {
		return cmp.Or(refuse(fault.Of(err).Code(), fault.Of(err).Message()), err)
	}
	return c.Reply(worker.JSON(answer))
}

// claim takes the oldest that waits, unless another hand has what is before it: that one goes on.
const claim = `UPDATE messages SET hand = @hand, until = @now + 30000 WHERE id IN
	(SELECT id FROM messages WHERE recipient = @to AND sender = @from AND NOT read ORDER BY id LIMIT 100) AND NOT EXISTS
	(SELECT 1 FROM messages WHERE recipient = @to AND sender = @from AND NOT read AND hand NOT IN ('', @hand) AND until > @now) RETURNING *`

// deliver hands over what waits, to these conns or all of the user. It looks for him after the row is there, as he binds before he looks for rows.
func (d *desk) deliver(ctx context.Context, s *worker.Sender, hand, from, to string, conn ...connid.ID) error {
	marking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second) // marks come off though ctx has ended
	defer cancel()
	for db, arrived := d.db.WithContext(marking), uint64(0); ; {
		ids, err := conn, error(nil)
		if conn == nil {
			if ids, _, err = s.ConnsOf(ctx, to); err != nil || len(ids) == 0 {
				return err
			}
		}
		var rows []message
		if err := db.Raw(claim, map[string]any{"hand": hand, "from": from, "to": to, "now": time.Now().UnixMilli()}).Scan(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		slices.SortFunc(rows, func(a, b message) int { return cmp.Compare(a.ID, b.ID) })
		for _, row := range rows {
			var became worker.Result
			out := worker.JSON(map[string]any{"flag": "msg", "id": row.ID, "from": from, "to": to, "content": row.Content, "at": row.At})
			if err = s.ToConns(ctx, ids, out, worker.Once(fmt.Sprint("message ", row.ID)), worker.Await(&became)); err != nil || became.Hit == 0 && !became.Duplicate {
				break
			}
			arrived = row.ID
		}
		err = cmp.Or(err, db.Exec("UPDATE messages SET read = id <= ?, hand = '' WHERE hand = ? AND until = ? AND NOT read", arrived, hand, rows[0].Until).Error) // who goes on when the conn has moved has the same hand
		if err != nil || conn != nil && arrived < rows[len(rows)-1].ID {
			return err
		}
	}
}

//go:embed index.html
var page embed.FS

func (d *desk) OnStart(ctx context.Context, _ *worker.Sender) (err error) {
	if d.db, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + d.file + "?_pragma=busy_timeout(5000)&_txlock=immediate"}); err == nil {
		err = d.db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&message{}) })
	}
	if os.Getenv("PARLEY_PAGE") == "" || err != nil {
		return err
	}
	l, err := net.Listen("tcp", os.Getenv("PARLEY_PAGE"))
	if err != nil {
		return fmt.Errorf("PARLEY_PAGE: %w", err)
	}
	server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // until it is closed
	return nil
}

func site(gateways string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	mux.HandleFunc("GET /gateways", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(strings.Split(cmp.Or(gateways, "ws://127.0.0.1:8282"), ","))
	})
	return mux
}
