package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-im/parley/api/pushkeys"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// The keys of a run: what the api reads, and the key of the person at this machine.
const (
	pushKeysFile = "push.keys"
	operatorFile = "operator.key"
	operatorID   = "operator"
	operatorRate = 1000 // calls per second
)

func (o Options) pushKeys() string    { return filepath.Join(o.Data, pushKeysFile) }
func (o Options) operatorKey() string { return filepath.Join(o.Data, operatorFile) }

// keys makes the key of an operator in a folder that has none, for the owner of the files
// alone. Lines that somebody added stay. It may be killed at any moment: the next run goes on.
func (o Options) keys() error {
	lines, err := os.ReadFile(o.pushKeys())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keys: %w", err)
	}
	key, err := os.ReadFile(o.operatorKey())
	if err == nil && o.opens(string(lines), string(key)) {
		return nil
	}
	text, made, err := pushkeys.New(operatorID, pushkeys.RolesOf(pushv1.Role_ROLE_ADMIN), operatorRate)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	var b strings.Builder
	b.WriteString("# Who may call PushService: id:roles:calls per second:hash. parleyctl key new makes a line.\n")
	for line := range strings.Lines(string(lines)) {
		if text := strings.TrimSpace(line); text != "" && text[0] != '#' && !strings.HasPrefix(text, operatorID+":") {
			b.WriteString(text + "\n")
		}
	}
	b.WriteString(made.Line() + "\n")
	if err := errors.Join(keep(o.pushKeys(), b.String()), keep(o.operatorKey(), text+"\n")); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// opens reports whether the api will take the key.
func (o Options) opens(lines, key string) bool {
	set, err := pushkeys.Parse(strings.NewReader(lines))
	if err != nil {
		return false
	}
	found, _, ok := set.Find(strings.TrimSpace(key))
	return ok && found.Roles.May(pushv1.Role_ROLE_ADMIN)
}

// keep puts text into the place of what is in a file, for its owner alone.
func keep(file, text string) error {
	fresh := file + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

// parleyctl is the command that shows what runs, as it is typed where the run was started.
func (o Options) parleyctl(c *Config) string {
	command := here(c.Programs.Ctl) + " --key-file " + here(o.operatorKey())
	if c.pagePort() != DefaultPorts().API {
		command += " --api " + strings.TrimSuffix(c.pageURL(c.Host), "/")
	}
	return command + " members"
}

// here is a path as it is typed in the working directory, if it is below it.
func here(path string) string {
	at, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(at, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}
