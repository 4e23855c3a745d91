package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parley-im/parley/api/internal/ctl"
)

type keyCommand struct {
	New  newKeyCommand  `cmd:"" help:"Make a key, and the line for the file of --push-keys."`
	Hash hashKeyCommand `cmd:"" help:"Make the line for the file of --push-keys from a key."`
}

// keyFlags are what a line says besides the hash.
type keyFlags struct {
	Roles ctl.Roles `required:"" placeholder:"ROLES" help:"What the key is for, with commas between: send, query, manage, admin."`
	Rate  int       `default:"100" help:"Calls per second."`
}

type newKeyCommand struct {
	keyFlags
	ID   string `name:"id" help:"Name of the key, which is in the log of each call: a-z, 0-9 and -; without it, one by chance."`
	Save string `placeholder:"FILE" help:"Keep the key in this new file, which nobody else can read, and show the line only. Without it the key is shown, this once."`
}

// Run implements kong's command.
func (n *newKeyCommand) Run(c *command) error {
	id := n.ID
	if id == "" {
		id = "key-" + strings.ToLower(rand.Text()[:8])
	}
	var save func(string) error
	if n.Save != "" {
		save = func(text string) error { return keep(n.Save, text) }
	}
	return ctl.NewKey(c.out, id, n.Roles, n.Rate, save)
}

// keep writes a key into a new file.
func keep(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return ctl.WrongUsage("--save: %s is there already, and stays", file)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, text)
	return errors.Join(err, f.Close())
}

type hashKeyCommand struct {
	keyFlags
	File string `arg:"" optional:"" help:"File with the key; without it, standard input."`
}

// Run implements kong's command.
func (h *hashKeyCommand) Run(c *command) error {
	var in io.Reader = c.in
	if h.File != "" {
		f, err := os.Open(h.File)
		if err != nil {
			return ctl.WrongUsage("%v", err)
		}
		defer f.Close()
		in = f
	}
	return ctl.HashKey(c.out, in, h.Roles, h.Rate)
}
