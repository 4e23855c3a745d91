// Workermanchat speaks the protocol of workerman-chat, so its page works unchanged:
// rooms, lines for all or for one, and who is there. ../README.md has the frames. With
// PARLEY_PAGE=127.0.0.1:8080 it serves a page of its own; one of several workers is
// enough.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(chat{}) }

type received struct {
	Type         string      `json:"type"`
	ClientName   string      `json:"client_name"`
	RoomID       json.Number `json:"room_id"` // takes "1" too, which some pages of the original send
	ToClientID   string      `json:"to_client_id"`
	ToClientName string      `json:"to_client_name"`
	Content      string      `json:"content"`
}

type chat struct{ worker.Base }

// OnMessage passes over what it does not understand, as the original does: its page
// knows no errors. The heartbeat is the gateways', see README.md.
func (chat) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f received
	once := fmt.Sprint(c.ID(), m.Seq)
	err := json.Unmarshal(m.Payload, &f)
	room, none := f.RoomID.Int64()
	switch {
	case err != nil:
	case f.Type == "login" && none == nil && (len(c.Groups()) == 0 || c.In(fmt.Sprint(room))):
		return f.login(ctx, c, fmt.Sprint(room), once)
	case f.Type == "say" && f.ToClientID != "" && len(c.Groups()) > 0:
		return f.say(ctx, c, c.Groups()[0], once)
	}
	return nil
}

// login puts the conn into a room, as a user who is called id and name: so the room can
// name up to 1,000 members. It hears of the newcomer, and he of them: what changed while
// his list was on its way would be undone by it, so then he gets another.
func (f *received) login(ctx context.Context, c *worker.Conn, room, once string) error {
	id, name := c.ID().String(), strings.ToValidUTF8(f.ClientName[:min(len(f.ClientName), 64)], "")
	if err := errors.Join(c.Bind(ctx, id+" "+name), c.Join(ctx, room)); err != nil {
		return err
	}
	out := map[string]any{"type": "login", "client_id": id, "client_name": escape(escape(name)), "time": now()}
	err := c.Sender().ToGroup(ctx, room, worker.JSON(out), worker.Except(c.ID()), worker.Once(once), worker.Await(new(worker.Result)))
	var shown map[string]string
	for n := 0; err == nil && n < 3; n++ {
		crowd, lost := c.Sender().GroupUsers(ctx, room, 1000)
		list := map[string]string{id: escape(name)}
		for _, user := range crowd.Users {
			member, name, _ := strings.Cut(user, " ")
			list[member] = escape(name)
		}
		if lost != nil || maps.Equal(list, shown) {
			return lost
		}
		out["client_list"], shown = list, list
		var became worker.Result // known once the list has arrived
		err = c.Sender().ToConn(ctx, c.ID(), worker.JSON(out), worker.Once(fmt.Sprint(once, " list ", n)), worker.Await(&became))
	}
	return err
}

func (f *received) say(ctx context.Context, c *worker.Conn, room, once string) error {
	_, name, _ := strings.Cut(c.User(), " ")
	line := breaks.Replace(escape(f.Content))
	out := map[string]any{"type": "say", "from_client_id": c.ID(), "from_client_name": escape(name), "to_client_id": f.ToClientID, "content": line, "time": now()}
	if f.ToClientID == "all" {
		return c.Sender().ToGroup(ctx, room, worker.JSON(out), worker.Once(once), worker.Await(new(worker.Result)))
	}
	if to, err := connid.Parse(f.ToClientID); err == nil {
		out["content"] = "<b>对你说: </b>" + line
		if err := c.Sender().ToConn(ctx, to, worker.JSON(out), worker.Once(once), worker.Await(new(worker.Result))); err != nil {
			return err
		}
	}
	out["content"] = "<b>你对" + escape(f.ToClientName) + "说: </b>" + line
	return c.Reply(worker.JSON(out))
}

func (chat) OnClose(ctx context.Context, c *worker.Conn, why worker.Close) {
	_, name, _ := strings.Cut(why.User, " ")
	out := map[string]any{"type": "logout", "from_client_id": c.ID(), "from_client_name": escape(name), "time": now()}
	if err := c.Sender().ToGroups(ctx, why.Groups, worker.JSON(out), worker.Once(c.ID().String()+" has left"), worker.Await(new(worker.Result))); err != nil {
		slog.Warn("the room does not hear that somebody has left", "conn", c.ID(), "err", err)
	}
}

// htmlspecialchars and nl2br of PHP, whose output the page expects.
var (
	special = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;")
	breaks  = strings.NewReplacer("\r\n", "<br />\r\n", "\n", "<br />\n", "\r", "<br />\r")
)

func escape(text string) string { return special.Replace(text) }
func now() string               { return time.Now().Format(time.DateTime) }

//go:embed index.html
var page embed.FS

func (chat) OnStart(ctx context.Context, _ *worker.Sender) error {
	addr := os.Getenv("PARLEY_PAGE")
	if addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("PARLEY_PAGE: %w", err)
	}
	server := &http.Server{Handler: site(os.Getenv("PARLEY_GATEWAYS")), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // until it is closed
	slog.Info("page", "url", "http://"+l.Addr().String()+"/")
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
