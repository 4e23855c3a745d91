package systemd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// roles have a unit each.
var roles = []string{"register", "gateway", "worker", "api"}

// unit is the settings of one, in their order: some may stand several times.
type unit map[string][]string

func path(role string) string { return "parley-" + role + "@.service" }

func load(t *testing.T, role string) unit {
	t.Helper()
	text, err := os.ReadFile(path(role))
	if err != nil {
		t.Fatal(err)
	}
	u := unit{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "[") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: %q is no setting", path(role), line)
		}
		u[key] = append(u[key], value)
	}
	return u
}

// one returns a setting that stands once.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s stands %d times", key, len(u[key]))
	}
	return u[key][0]
}

// etc makes a folder that stands for /etc/parley, with parley.conf and a secret.
func etc(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	conf, err := os.ReadFile("parley.conf")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(conf), "/etc/parley/", folder+"/")
	for name, body := range map[string]string{"parley.conf": text, "cluster.secret": "secret-of-one-test-of-units\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
