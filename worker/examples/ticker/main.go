// Ticker has nothing to say: values come from outside, through PushService, and go to the
// groups that this worker puts conns into; ../README.md has its frames. The program in
// feeder makes some up. With PARLEY_PAGE=127.0.0.1:8080 one worker serves a page too.
package main

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/worker"
)

func main() { worker.Main(hall{}) }

// hall keeps nothing: what a conn watches, the groups that it is in say.
type hall struct{ worker.Base }

const (
	everything = "ticker"  // the group of conns that watch all symbols
	one        = "ticker/" // … begins those of one symbol
)

var symbol = regexp.MustCompile(`^[A-Z0-9.]{1,12}$`)

// OnOpen lets a client watch the symbols of ?symbols=TEA,RICE, or all.
func (hall) OnOpen(ctx context.Context, c *worker.Conn) error {
	groups, ok := groupsOf(strings.FieldsFunc(c.Facts().Values().Get("symbols"), func(r rune) bool { return r == ',' }))
	if !ok {
		return worker.Refuse(http.StatusBadRequest, "want ?symbols= with up to 32 of them, 1 to 12 capital letters, digits and dots each")
	}
	return c.Join(ctx, groups...)
}

// OnMessage watches other symbols from now on. It joins before it leaves, so what stays
// is not missed.
func (hall) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	var f struct{ Watch []string }
	err := json.Unmarshal(m.Payload, &f)
	groups, ok := groupsOf(f.Watch)
	if err != nil || f.Watch == nil || !ok {
		return c.Reply(worker.Text(`{"error":"not an object that has up to 32 symbols to watch"}`))
	}
	gone := slices.DeleteFunc(slices.Clone(c.Groups()), func(group string) bool { return slices.Contains(groups, group) })
	err = c.Join(ctx, groups...)
	if err == nil && len(gone) > 0 {
		err = c.Leave(ctx, gone...)
	}
	return cmp.Or(err, c.Reply(worker.JSON(map[string][]string{"watching": f.Watch})))
}

// groupsOf returns the groups in which symbols are heard, and whether they are some.
func groupsOf(symbols []string) (groups []string, ok bool) {
	for _, s := range symbols {
		if !symbol.MatchString(s) || len(symbols) > 32 {
			return nil, false
		}
		groups = append(groups, one+s)
	}
	if groups == nil {
		groups = []string{everything}
	}
	return groups, true
}

//go:embed index.html
var page embed.FS

func (hall) OnStart(ctx context.Context, _ *worker.Sender) error {
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
