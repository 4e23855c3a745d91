package ctl

import (
	"fmt"
	"io"
	"strings"

	"github.com/parley-im/parley/api/pushkeys"
)

// Roles are what a key is for, as a flag has them: send,query.
type Roles struct{ pushkeys.Roles }

// UnmarshalText reads names with commas between.
func (r *Roles) UnmarshalText(b []byte) (err error) {
	r.Roles, err = pushkeys.ParseRoles(string(b))
	return err
}

// NewKey makes a key. save keeps its text, which nobody can read again; nil: it is
// shown. The line for the file of parley-api comes out in any case.
func NewKey(out io.Writer, id string, roles Roles, rate int, save func(text string) error) error {
	text, key, err := pushkeys.New(id, roles.Roles, rate)
	if err != nil {
		return &usage{err.Error()}
	}
	if save == nil {
		_, err = fmt.Fprintf(out, "key   %s\nline  %s\n", text, key.Line())
		return err
	}
	if err := save(text); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, key.Line())
	return err
}

// HashKey reads a key and writes its line for the file of parley-api.
func HashKey(out io.Writer, in io.Reader, roles Roles, rate int) error {
	text, err := ReadKey(in)
	if err != nil {
		return err
	}
	key, err := pushkeys.Of(text, roles.Roles, rate)
	if err != nil {
		return &usage{err.Error()}
	}
	_, err = fmt.Fprintln(out, key.Line())
	return err
}

// maxKeyFile bounds what is read as a key, in bytes.
const maxKeyFile = 4096

// ReadKey reads the key in a file, without the white space around it. Errors show nothing
// of it.
func ReadKey(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeyFile+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	switch {
	case text == "":
		return "", WrongUsage("there is no key in it")
	case len(b) > maxKeyFile || !pushkeys.IsKey(text):
		return "", WrongUsage("that is no key: one is parley_ID_ and 43 characters, and stands alone in its file")
	}
	return text, nil
}
