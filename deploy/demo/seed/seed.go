// Package seed puts the people of the demo into a database that has none: accounts,
// conversations, and a line for each that is unread. It writes through the store, past
// the protocol, because the password of a demo is shorter than anybody may choose.
//
// It may be killed at any moment and begun again: accounts are found by their names,
// group chats by name and owner, and messages have request ids of their own.
package seed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/store"

	"github.com/parley-im/parley/deploy/demo"
)

// Config says where.
type Config struct {
	Database string // as parley-worker takes it
	Done     string // file that says that it was done: then nothing is; "": it is not asked
	Log      *slog.Logger
}

// Run does it, unless it was done.
func Run(ctx context.Context, c Config) error {
	if c.Done != "" {
		if _, err := os.Stat(c.Done); err == nil {
			return nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	s, err := store.Open(ctx, store.Config{URL: c.Database, Relaxed: true, Owner: "seed", Log: c.Log})
	if err != nil {
		return err
	}
	err = Into(ctx, s)
	s.Close()
	if err != nil || c.Done == "" {
		return err
	}
	return os.WriteFile(c.Done, []byte("The demo accounts were made. Without this file they are made again, if they are not there.\n"), 0o644)
}

// Into does it, whatever of it is there.
func Into(ctx context.Context, s chat.Store) error {
	w := work{store: s, passwords: auth.NewPasswords(0, 0), ids: map[string]chat.UserID{}}
	for _, a := range demo.Accounts {
		if err := w.account(ctx, a); err != nil {
			return fmt.Errorf("account %s: %w", a.Name, err)
		}
	}
	for _, t := range talks {
		if err := w.talk(ctx, t); err != nil {
			return fmt.Errorf("conversation %s: %w", t.key, err)
		}
	}
	return nil
}

// work is one go.
type work struct {
	store     chat.Store
	passwords *auth.Passwords
	ids       map[string]chat.UserID // by name
}

func (w *work) as(name string) chat.Caller { return chat.Caller{User: w.ids[name]} }

// account makes one, in the default realm, or finds it.
func (w *work) account(ctx context.Context, a demo.Account) error {
	there, err := w.store.AccountByName(ctx, "", a.Name)
	if err == nil {
		w.ids[a.Name] = there.ID
		return nil
	}
	if fault.CodeOf(err) != fault.NotFound {
		return err
	}
	hash, err := w.passwords.HashAny(ctx, demo.Password)
	if err != nil {
		return err
	}
	made, _, err := w.store.AddUser(ctx, chat.NewUser{
		User: chat.User{Name: a.Name, Display: a.Display}, PasswordHash: hash, Request: chat.RequestID("demo-" + a.Name),
	})
	w.ids[a.Name] = made.ID
	return err
}

// talk makes a conversation and what was said in it. Everybody has read all of it, but
// for those to whom its last line is news.
func (w *work) talk(ctx context.Context, t talk) error {
	id, err := w.open(ctx, t)
	if err != nil {
		return err
	}
	var at chat.Seq
	before := at
	for i, l := range t.lines {
		request := chat.RequestID(fmt.Sprintf("demo-%s-%d", t.key, i))
		stored, err := w.store.Send(ctx, w.as(l.who), chat.Draft{Conversation: id, Request: request, Text: l.text})
		if err != nil {
			return err
		}
		before, at = at, stored.Seq
	}
	for _, name := range t.members {
		mark := at
		if t.news && name != t.lines[len(t.lines)-1].who {
			mark = before
		}
		if _, _, err := w.store.MarkRead(ctx, w.as(name), id, mark); err != nil {
			return err
		}
	}
	return nil
}

// open returns the conversation and makes it if need be.
func (w *work) open(ctx context.Context, t talk) (chat.ConversationID, error) {
	owner := w.as(t.members[0])
	switch t.kind {
	case chat.Direct:
		made, err := w.store.OpenDirect(ctx, owner, w.ids[t.members[1]])
		return made.ID, err
	case chat.Room:
		made, err := w.store.JoinRoom(ctx, owner, "", t.name)
		return made.ID, err
	}
	var after chat.ConversationID
	for {
		views, more, err := w.store.Views(ctx, owner, after, 100)
		if err != nil {
			return "", err
		}
		for _, v := range views {
			if v.Type == chat.Group && v.Name == t.name && v.Creator == owner.User {
				return v.ID, nil
			}
			after = v.ID
		}
		if !more {
			break
		}
	}
	n := chat.NewConversation{Type: chat.Group, Name: t.name, Request: chat.RequestID("demo-" + t.key)}
	for _, name := range t.members[1:] {
		n.Users = append(n.Users, w.ids[name])
	}
	made, err := w.store.AddConversation(ctx, owner, n)
	return made.ID, err
}
