package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// aside are folders that hold no sources.
var aside = map[string]bool{"node_modules": true, "dist": true, "test": true, ".git": true}

// digest is a hash of what files and folders hold, by their paths below root: of names and
// contents, not of times, which a clone and a checkout change. What is not there counts as
// empty.
func digest(root string, paths ...string) (string, error) {
	sum := sha256.New()
	files := os.DirFS(root)
	for _, p := range paths {
		err := fs.WalkDir(files, p, func(name string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case d.IsDir() && aside[d.Name()]:
				return fs.SkipDir
			case !d.Type().IsRegular():
				return nil
			}
			content, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			fmt.Fprintf(sum, "%s %d\n", name, len(content))
			sum.Write(content)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// stamp is a file that says what something was last made of.
type stamp struct{ file string }

func (s stamp) is(digest string) bool {
	have, err := os.ReadFile(s.file)
	return err == nil && strings.TrimSpace(string(have)) == digest
}

func (s stamp) set(digest string) error {
	return os.WriteFile(s.file, []byte(digest+"\n"), 0o644)
}
