// Twopaths is two businesses behind the same gateways, each with workers of its own: talk
// on /ws/chat/GROUP/ and reminders on /push/USER/; ../README.md has its frames. Workers
// with --label path=/ws/chat serve the one, with --label path=/push the other. With
// PARLEY_PAGE=127.0.0.1:8080 one serves a page too.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(house{}) }

// house keeps nothing: who is in a chat, and who wants to be reminded of it, the gateways
// know. The two ways of one person are two users, so that neither gets what is the other's.
type house struct{ worker.Base }

const (
	chat    = "chat/" // begins the name of a group whose members hear what is said in a chat, and of a user there
	push    = "push/" // … of a group whose users are reminded of it, and of a user there
	maxSaid = 2000    // bytes
)

var (
	goodName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,31}$`)
	path     = regexp.MustCompile(`^/(?:ws/(chat/)|(push/))([^/]*)/?$`)
)

// OnOpen lets somebody into a chat, or has him reminded of up to 32. It is asked by the
// workers of that path only.
func (house) OnOpen(ctx context.Context, c *worker.Conn) error {
	part, query := path.FindStringSubmatch(c.Facts().Path), c.Facts().Values()
	if part == nil || !goodName.MatchString(part[3]) {
		return worker.Refuse(http.StatusNotFound, "there are /ws/chat/GROUP/ and /push/USER/")
	}
	kind, user, groups := part[1]+part[2], query.Get("name"), []string{part[3]}
	if kind == push {
		user, groups = part[3], query["chat"]
	}
	for _, name := range append(groups, user) {
		if !goodName.MatchString(name) || len(groups) > 32 {
			return worker.Refuse(http.StatusBadRequest, "want a name, or up to 32 chats, of 1 to 32 letters, digits, spaces, dots, dashes and underscores each")
		}
	}
	slog.Info("open", "conn", c.ID(), "path", c.Facts().Path)
	err := c.Bind(ctx, kind+user)
	for _, group := range groups {
		err = cmp.Or(err, c.Join(ctx, kind+group))
	}
	return err
}

// OnMessage hands on what is said in a chat, and reminds who wants to be and is not there.
func (house) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f struct{ Message string }
	name, talks := strings.CutPrefix(c.User(), chat)
	if err := json.Unmarshal(m.Payload, &f); err != nil || !talks || f.Message == "" || len(f.Message) > maxSaid {
		return c.Reply(worker.Text(`{"type":"error","message":"not an object with 1 to 2,000 bytes of message, said in a chat"}`))
	}
	if err := say(ctx, c.Sender(), strings.TrimPrefix(c.Groups()[0], chat), name, f.Message, fmt.Sprint(c.ID(), m.Seq)); err != nil {
		return cmp.Or(c.Reply(worker.Text(`{"type":"error","message":"not everybody may have heard this"}`)), err)
	}
	return nil
}

func say(ctx context.Context, s *worker.Sender, group, from, message, once string) error {
	out := func(kind string) worker.Frame {
		return worker.JSON(map[string]string{"type": kind, "group": group, "from": from, "message": message})
	}
	before, err := inside(ctx, s, group)
	if err != nil {
		return err
	}
	if err := s.ToGroup(ctx, chat+group, out("message"), worker.Once(once), worker.Await(new(worker.Result))); err != nil {
		return err
	}
	away, err := absent(ctx, s, group, before)
	if err != nil || len(away) == 0 {
		return err
	}
	return s.ToUsers(ctx, away, out("reminder"), worker.Once(once+" reminder"), worker.Await(new(worker.Result)))
}

// inside lists the conns in a chat, each with its name.
func inside(ctx context.Context, s *worker.Sender, group string) (map[connid.ID]string, error) {
	there, list := map[connid.ID]string{}, s.Conns(ctx, worker.InGroups(chat+group))
	for c := range list.All() {
		there[c.ID] = strings.TrimPrefix(c.User, chat)
	}
	return there, list.Err()
}

// absent lists who wants to be reminded of a chat and was not there all the time since
// before. Who came or went while it was said gets both rather than neither.
func absent(ctx context.Context, s *worker.Sender, group string, before map[connid.ID]string) (users []string, err error) {
	after, err := inside(ctx, s, group)
	heard := map[string]bool{}
	for id, name := range after {
		heard[name] = heard[name] || before[id] != ""
	}
	list := s.Users(ctx, worker.InGroups(push+group))
	for user := range list.All() {
		if !heard[strings.TrimPrefix(user, push)] {
			users = append(users, user)
		}
	}
	return users, errors.Join(err, list.Err())
}

//go:embed index.html
var page embed.FS

func (house) OnStart(ctx context.Context, _ *worker.Sender) error {
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
