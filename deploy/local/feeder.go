package local

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/parley-im/parley/api/pushkeys"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// feederRate is how many calls a second the feeder's key may make, more than it does.
const feederRate = 200

// LetFeederPush makes a key that may send, and a file in dir by which the api knows it. The
// api keeps what else it needs there.
func (c *Config) LetFeederPush(dir string) error {
	text, key, err := pushkeys.New("feeder", pushkeys.RolesOf(pushv1.Role_ROLE_SEND), feederRate)
	if err != nil {
		return fmt.Errorf("key of the feeder: %w", err)
	}
	file := filepath.Join(dir, "push.keys")
	if err := os.WriteFile(file, []byte(key.Line()+"\n"), 0o600); err != nil {
		return fmt.Errorf("key of the feeder: %w", err)
	}
	c.PushKey = text
	c.APIArgs = append(c.APIArgs, "--push-keys", file, "--files", filepath.Join(dir, "files"))
	return nil
}
