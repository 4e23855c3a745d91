package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/store"
)

// password is that of all people who are made here.
const password = "correct horse"

// recorder reads and writes the database past everything that serves people.
type recorder struct {
	store  *store.Store
	hashed func() (string, error) // password's hash, made once
}

// records lets a script look into the database and put things there:
//
//	POST /person  {name, display}       → {id}; the password is known
//	GET  /stored/CONVERSATION?as=NAME   → what it has, as NAME may see it
//	POST /crowd?of=NAME&size=1000       → so many direct conversations of NAME
func records(t *testing.T, mux *http.ServeMux, database string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: database, Relaxed: true, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	r := &recorder{store: s, hashed: sync.OnceValues(func() (string, error) {
		return auth.NewPasswords(0, 0).Hash(context.WithoutCancel(t.Context()), password)
	})}
	serve := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			answer, err := f(req)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	serve("POST /person", r.person)
	serve("GET /stored/{conversation}", r.stored)
	serve("POST /crowd", r.crowd)
}

func (r *recorder) person(req *http.Request) (any, error) {
	var p struct{ Name, Display string }
	if err := json.NewDecoder(req.Body).Decode(&p); err != nil {
		return nil, err
	}
	a, err := r.add(req.Context(), p.Name, p.Display)
	return map[string]chat.UserID{"id": a.ID}, err
}

func (r *recorder) add(ctx context.Context, name, display string) (chat.Account, error) {
	hash, err := r.hashed()
	if err != nil {
		return chat.Account{}, err
	}
	a, _, err := r.store.AddUser(ctx, chat.NewUser{
		User: chat.User{Name: name, Display: display}, PasswordHash: hash, Request: chat.RequestID("made-" + strconv.Itoa(len(name))),
	})
	return a, err
}

func (r *recorder) by(ctx context.Context, name string) (chat.Caller, error) {
	a, err := r.store.AccountByName(ctx, "", chat.Fold(name))
	if err != nil {
		return chat.Caller{}, fmt.Errorf("%s: %w", name, err)
	}
	return chat.Caller{User: a.ID}, nil
}

// line is a stored message as a screen shows it.
type line struct {
	Seq      string `json:"seq"`
	Sender   string `json:"sender"` // as it is shown
	Kind     string `json:"kind"`
	Text     string `json:"text"` // of a picture, its name
	Edited   bool   `json:"edited"`
	Recalled bool   `json:"recalled"`
}

func (r *recorder) stored(req *http.Request) (any, error) {
	ctx := req.Context()
	c, err := r.by(ctx, req.FormValue("as"))
	if err != nil {
		return nil, err
	}
	shown := map[chat.UserID]string{}
	lines := []line{}
	var before chat.Seq
	for {
		page, err := r.store.Messages(ctx, c, chat.ConversationID(req.PathValue("conversation")), chat.Range{Before: before, Limit: 500})
		if err != nil {
			return nil, err
		}
		var part []line
		for _, m := range page.Messages {
			if _, known := shown[m.Sender]; !known {
				if shown[m.Sender], err = r.shown(ctx, m.Sender); err != nil {
					return nil, err
				}
			}
			l := line{
				Seq: strconv.FormatInt(int64(m.Seq), 10), Sender: shown[m.Sender], Kind: kinds[m.Kind], Text: m.Text,
				Edited: m.Rev > 0 && !m.Recalled, Recalled: m.Recalled,
			}
			if m.Image != nil {
				l.Text = m.Image.Name
			}
			part = append(part, l)
		}
		lines = append(part, lines...)
		if !page.More {
			return lines, nil
		}
		before = page.Messages[0].Seq
	}
}

var kinds = map[chat.Kind]string{
	chat.Text: "text", chat.Picture: "image", chat.Created: "created", chat.Added: "added", chat.Left: "left",
}

func (r *recorder) shown(ctx context.Context, id chat.UserID) (string, error) {
	users, err := r.store.Users(ctx, "", []chat.UserID{id}, nil)
	if err != nil || len(users) == 0 {
		return "", err
	}
	if users[0].Display != "" {
		return users[0].Display, nil
	}
	return users[0].Name, nil
}
