// Swoolechat is one room whose lines are saved in a database, off the way of those who
// talk; ../README.md has its frames. All workers of a machine share the file that
// --database=swoolechat.db names. With PARLEY_PAGE=127.0.0.1:8080 one serves a page too.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	_ "modernc.org/sqlite" // the driver, in Go

	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(&chat{}) }

// line is a row. Frame names what was said: what is handled twice is saved once.
type line struct {
	ID      uint64    `json:"-"`
	Frame   string    `json:"-" gorm:"uniqueIndex"`
	Name    string    `json:"name"`
	Content string    `json:"content"`
	At      time.Time `json:"at"`
}

type chat struct {
	worker.Base
	file   string
	db     *gorm.DB
	queue  chan line       // full: who talks waits
	saved  chan struct{}   // closed when the saver has ended
	life   context.Context // of the saver's transactions
	giveUp context.CancelFunc
}

func (s *chat) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.file, "database", "swoolechat.db", "SQLite `file` of the lines, one for all workers")
}

var goodName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,31}$`)

func (s *chat) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f struct {
		Type, Content string
		Limit         int
	}
	switch err := json.Unmarshal(m.Payload, &f); {
	case err == nil && f.Type == "chat" && f.Content != "" && len(f.Content) <= 2000:
		return s.say(ctx, c, line{Frame: fmt.Sprint(c.ID(), m.Seq), Content: f.Content, At: time.Now()})
	case err == nil && f.Type == "history":
		lines := []line{}
		err := s.db.WithContext(ctx).Order("id DESC").Limit(min(cmp.Or(max(f.Limit, 0), 20), 50)).Find(&lines).Error
		slices.Reverse(lines)
		return cmp.Or(err, c.Reply(worker.JSON(map[string]any{"type": "history", "lines": lines})))
	}
	return c.Reply(worker.Text(`{"type":"error","message":"neither a chat with 1 to 2,000 bytes of content nor a history"}`))
}

// say gives a line to the saver first: when that falls behind, talking slows down.
func (s *chat) say(ctx context.Context, c *worker.Conn, l line) error {
	l.Name = fmt.Sprint("user", c.Number())
	if name := c.Facts().Values().Get("name"); goodName.MatchString(name) && !strings.HasPrefix(name, "user") {
		l.Name = name
	}
	select {
	case s.queue <- l:
		return c.Sender().ToAll(ctx, worker.Text(l.Name+": "+l.Content), worker.Once(l.Frame), worker.Await(new(worker.Result)))
	case <-ctx.Done():
		return c.Reply(worker.Text(`{"type":"error","message":"too much is said at the moment"}`))
	}
}

// save writes what waits, many lines in one transaction, again until it has worked.
func (s *chat) save() {
	defer close(s.saved)
	for l := range s.queue {
		lines := []line{l}
		for len(s.queue) > 0 && len(lines) < 256 {
			lines = append(lines, <-s.queue)
		}
		for {
			err := s.db.WithContext(s.life).Omit("id").Clauses(clause.OnConflict{DoNothing: true}).Create(lines).Error
			if err == nil {
				break
			}
			slog.Error("lines cannot be saved", "lines", len(lines)+len(s.queue), "err", err)
			select {
			case <-time.After(time.Second):
			case <-s.life.Done():
				return // they are lost
			}
		}
	}
}

// OnStop comes after the last handler, so nothing is added to the queue any more.
func (s *chat) OnStop(ctx context.Context) {
	context.AfterFunc(ctx, s.giveUp)
	close(s.queue)
	<-s.saved
}

//go:embed index.html
var page embed.FS

func (s *chat) OnStart(ctx context.Context, _ *worker.Sender) (err error) {
	if s.db, err = gorm.Open(sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + s.file + "?_pragma=busy_timeout(5000)&_txlock=immediate"}); err == nil {
		err = s.db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&line{}) })
	}
	if addr := os.Getenv("PARLEY_PAGE"); err == nil && addr != "" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("PARLEY_PAGE: %w", err)
		}
		server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		go func() { _ = server.Serve(l) }() // until it is closed
	}
	if err != nil {
		return err // and OnStop is not called
	}
	s.queue, s.saved = make(chan line, 1024), make(chan struct{})
	s.life, s.giveUp = context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // OnStop sees to it
	go s.save()                                                       // until OnStop
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
