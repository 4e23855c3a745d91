package node

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echoConfig is the flags of a role that exists only here.
type echoConfig struct {
	Config
	Membership

	Listen       string        `default:"127.0.0.1:0" help:"Where it listens."`
	PingInterval time.Duration `default:"${ping}" reload:"" help:"How often it pings."`
	Deflate      bool          `default:"true" negatable:"" help:"Whether it compresses."`
	MaxConns     int           `help:"How many it takes."`
	ClientTLS    TLSFiles      `embed:"" prefix:"client-" set:"whom=for clients"`

	build func(n *Node, c *echoConfig) (Service, error)
}

func (c *echoConfig) Vars() map[string]string { return map[string]string{"ping": "25s"} }

func (c *echoConfig) Validate() error {
	return errors.Join(c.Guarded("listen", c.Listen), c.ValidateMembership(c.Membership), c.ClientTLS.Validate("client-"))
}

func (c *echoConfig) New(n *Node) (Service, error) { return c.build(n, c) }

// file writes a file of the test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readEcho reads an echoConfig and returns what is wrong with it as lines.
func readEcho(args []string, env environment) (*echoConfig, map[string]string, []string) {
	pr := &process{role: "echo", blank: new(echoConfig), args: args, env: env, boot: 0xabcd}
	p, settings, errs := pr.read()
	from := map[string]string{}
	for _, s := range settings {
		from[s.flag.Name] = s.from
	}
	var lines []string
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return p.(*echoConfig), from, lines
}

func TestDefaultsAreGood(t *testing.T) {
	c, _, wrong := readEcho(nil, nil)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if c.Cluster != "parley" || c.PingInterval != 25*time.Second || !c.Deflate || !slices.Equal(c.Register, []string{"127.0.0.1:1236"}) {
		t.Errorf("got %+v", c)
	}
	id := c.Identity()
	if id.Role != "echo" || id.Boot != 0xabcd || !strings.HasSuffix(id.Node, "-abcd") || id.Cluster != "parley" || id.Build == "" {
		t.Errorf("identity: %+v", id)
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	path := file(t, "parley.conf", `
# for everybody
cluster = of-the-file
register = 127.0.0.1:1, 127.0.0.1:2
echo.ping-interval = 3s
ping-interval = 4s
gateway.whatever = is not ours
log-level=debug
label = pool=a,zone=b
`)
	c, from, wrong := readEcho(
		[]string{"--config", path, "--ping-interval=1s", "--no-deflate", "--max-conns", "7"},
		environment{"PARLEY_ECHO_PING_INTERVAL": "2s", "PARLEY_CLUSTER": "of all roles", "PARLEY_ECHO_CLUSTER": "of this role", "PARLEY_LOG_LEVEL": ""},
	)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if c.PingInterval != time.Second || from["ping-interval"] != "--ping-interval" {
		t.Errorf("flag: got %v from %s", c.PingInterval, from["ping-interval"])
	}
	if c.Cluster != "of this role" || from["cluster"] != "PARLEY_ECHO_CLUSTER" {
		t.Errorf("environment: got %v from %s", c.Cluster, from["cluster"])
	}
	if c.LogLevel != "debug" || from["log-level"] != path+":8" {
		t.Errorf("file: got %v from %s", c.LogLevel, from["log-level"])
	}
	if c.Deflate || c.MaxConns != 7 || !maps.Equal(c.Label, map[string]string{"pool": "a", "zone": "b"}) {
		t.Errorf("got %+v", c)
	}
	if !slices.Equal(c.Register, []string{"127.0.0.1:1", "127.0.0.1:2"}) {
		t.Errorf("list: got %q", c.Register)
	}

	c, from, _ = readEcho(nil, environment{"PARLEY_CONFIG": path})
	if c.PingInterval != 3*time.Second || from["ping-interval"] != path+":5" {
		t.Errorf("key of this role: got %v from %s", c.PingInterval, from["ping-interval"])
	}
	c, _, _ = readEcho([]string{"--register", "127.0.0.1:1", "--register=127.0.0.1:2,127.0.0.1:3"}, nil)
	if len(c.Register) != 3 {
		t.Errorf("list piece by piece: got %q", c.Register)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	path := file(t, "parley.conf", "cluster\nnonsense = 1\nname = a\nname = b\necho.max-conns = many\nconfig = x\nhelp = true\n")
	_, _, wrong := readEcho(
		[]string{"--config", path, "--pong-interval", "1s", "stray", "--listen", "0.0.0.0:1", "--log-level=loud", "--tls-cert=x", "--client-tls-ca=" + path, "--drain-timeout=-1s", "--ops-listen=x", "--label", "k"},
		environment{"PARLEY_ECHO_PING_INTERVAL": "soon", "PARLEY_ECHO_PINGINTERVAL": "1s", "PARLEY_REGISTER": "10.0.0.1:1,x", "PARLEY_SECRET": "short", "PARLEY_SECRET_FILE": path},
	)
	for _, part := range []string{
		path + ":1: want key = value", path + `:2: echo has no key "nonsense"`, path + `:4: "name" is set again, after line 3`,
		path + `:6: echo has no key "config"`, path + `:7: echo has no key "help"`,
		"--max-conns: expected a valid", "(from " + path + ":5)",
		"--pong-interval: there is no such flag", `"stray": only flags are expected`,
		"--listen: 0.0.0.0:1 is not a loopback address", `--log-level: "loud" is none of debug, info, warn, error`,
		"--tls-cert, --tls-key: one is set without the other", "--client-tls-ca: there is no certificate in " + path,
		"--drain-timeout: -1s is negative", `--ops-listen: "x" is not host:port`, "--label: ",
		`--ping-interval: expected duration but got "soon"`, "(from PARLEY_ECHO_PING_INTERVAL)",
		"PARLEY_ECHO_PINGINTERVAL: there is no such variable",
		"--register: registers: 10.0.0.1:1 is not a loopback address", `--register: registers: "x" is not host:port`,
		"--secret-file, PARLEY_SECRET: both are set",
	} {
		if !slices.ContainsFunc(wrong, func(line string) bool { return strings.Contains(line, part) }) {
			t.Errorf("%q is not named in:\n%s", part, strings.Join(wrong, "\n"))
		}
	}
	_, _, wrong = readEcho([]string{"--config", "/no/such/file", "--listen"}, nil)
	if text := strings.Join(wrong, "\n"); !strings.Contains(text, "--config: open /no/such/file") || !strings.Contains(text, "--listen: a value is missing") {
		t.Errorf("got:\n%s", text)
	}
}

func TestSecretsComeFromTheEnvironmentOrAFile(t *testing.T) {
	const one, two = "0123456789abcdef", "fedcba9876543210"
	for _, tt := range []struct {
		name string
		args []string
		env  environment
		want []string
	}{
		{"none", nil, nil, nil},
		{"environment", nil, environment{"PARLEY_SECRET": one}, []string{one}},
		{"environment of the role wins", nil, environment{"PARLEY_SECRET": one, "PARLEY_ECHO_SECRET": two}, []string{two}},
		{"file with the next one", []string{"--secret-file", file(t, "secret", one+"\n"+two+"\n")}, nil, []string{one, two}},
	} {
		c, _, wrong := readEcho(tt.args, tt.env)
		if len(wrong) > 0 || !slices.Equal(c.Secrets(), tt.want) {
			t.Errorf("%s: got %q, %v", tt.name, c.Secrets(), wrong)
		}
	}
	for name, env := range map[string]environment{
		"there is no secret in it": {"PARLEY_SECRET": "  "},
		"no such file":             {"PARLEY_SECRET_FILE": "/no/such/file"},
		"secret 2 has 6 bytes":     {"PARLEY_SECRET": one + " hidden"},
	} {
		_, _, wrong := readEcho(nil, env)
		text := strings.Join(wrong, "\n")
		if !strings.Contains(text, name) || strings.Contains(text, "hidden") || strings.Contains(text, one) {
			t.Errorf("%v: got %q, want %q and no secret", env, text, name)
		}
	}
}

func TestASecretOrCertificatesOnBothSidesOpenTheNetwork(t *testing.T) {
	args := []string{"--listen=:2900", "--register=10.0.0.1:1236"}
	if _, _, wrong := readEcho(args, nil); len(wrong) != 2 {
		t.Errorf("without either: %q", wrong)
	}
	if _, _, wrong := readEcho(args, environment{"PARLEY_SECRET": "0123456789abcdef"}); len(wrong) != 0 {
		t.Errorf("with a secret: %q", wrong)
	}
}
