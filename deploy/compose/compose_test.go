package compose

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/api/pushkeys"
)

func read(t *testing.T) *File {
	t.Helper()
	f, err := Read(composefile)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// secrets runs make-secrets and returns the folder.
func secrets(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "secrets")
	if out, err := exec.Command("./make-secrets", folder).CombinedOutput(); err != nil {
		t.Fatalf("make-secrets: %v\n%s", err, out)
	}
	return folder
}

// inContainer is where secrets are in a container.
const inContainer = "/run/secrets/"

// TestImagesRunTheirServices makes the images, as far as that goes without an engine,
// and has their programs judge the commands of the services.
func TestImagesRunTheirServices(t *testing.T) {
	f, programs, folder := read(t), images(t), secrets(t)
	d, err := ReadDockerfile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if !isStatic(t, programs[target]) {
			t.Errorf("the program of %s needs libraries, and in its image there are none", target)
		}
	}
	for _, name := range f.Ours() {
		s := f.Services[name]
		if s.Build.Dockerfile != "deploy/Dockerfile" || s.Build.Context != "../.." || s.Image != "parley-"+s.Build.Target {
			t.Errorf("%s: its image is %s of %+v", name, s.Image, *s.Build)
		}
		program := programs[s.Build.Target]
		if program == "" {
			t.Errorf("%s: the Dockerfile has no target %s", name, s.Build.Target)
			continue
		}
		args := []string{"--check"}
		for _, arg := range s.Command {
			if secret, ok := strings.CutPrefix(arg, inContainer); ok {
				if !slices.Contains(s.Secrets, secret) {
					t.Errorf("%s is not given the secret %s", name, secret)
				}
				arg = filepath.Join(folder, secret)
			}
			args = append(args, arg)
		}
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s --check: %v\n%s", name, err, out)
			continue
		}
		if !strings.Contains(string(out), "Secrets: 1.") {
			t.Errorf("%s takes no secret: %s", name, out)
		}
		drain := regexp.MustCompile(`(?m)^drain-timeout = (\S+)`).FindSubmatch(out)
		if drain == nil {
			t.Fatalf("%s: no drain-timeout in\n%s", name, out)
		}
		atLeast(t, name, s.StopGracePeriod, string(drain[1]))

		probe := []string{"CMD", entrypoint(t, d, s.Build.Target), "--probe", "--ops-listen", s.Flag("ops-listen")}
		if !slices.Equal(s.Healthcheck.Test, probe) {
			t.Errorf("%s: its health check is %q, want %q", name, s.Healthcheck.Test, probe)
		}
	}
}

// atLeast holds the time that an engine gives a service to end against the one it takes.
func atLeast(t *testing.T, name, grace, drain string) {
	t.Helper()
	given, err := time.ParseDuration(grace)
	if err != nil {
		t.Errorf("%s: stop_grace_period: %v", name, err)
		return
	}
	taken, err := time.ParseDuration(drain)
	if err != nil {
		t.Fatal(err)
	}
	if given < taken+2*time.Second {
		t.Errorf("%s is killed after %v, and may drain for %v", name, given, taken)
	}
}

// addressed are the flags that say where others are, or where others find the service.
var addressed = map[string]string{"register": "", "link-addr": "link-listen", "chat-addr": "chat-listen"}

func TestServicesFindEachOther(t *testing.T) {
	f := read(t)
	names := map[string]bool{}
	for _, name := range f.Ours() {
		s := f.Services[name]
		if s.Flag("name") != name || names[name] {
			t.Errorf("%s is called %q", name, s.Flag("name"))
		}
		names[name] = true
		for flag, listen := range addressed {
			addr := s.Flag(flag)
			if addr == "" {
				continue
			}
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Errorf("%s: --%s: %v", name, flag, err)
				continue
			}
			to := s
			if listen == "" {
				listen, to = "listen", f.Services[host]
			} else if host != name {
				t.Errorf("%s: --%s is %s, which is somebody else", name, flag, addr)
			}
			if _, p, _ := net.SplitHostPort(to.Flag(listen)); p != port {
				t.Errorf("%s: --%s is %s, and --%s there is %q", name, flag, addr, listen, to.Flag(listen))
			}
		}
		if !slices.Contains(s.Networks, "inside") {
			t.Errorf("%s is not inside", name)
		}
		if proxy := s.Flag("trusted-proxy"); proxy != "" && proxy != f.Networks["inside"].IPAM.Config[0].Subnet {
			t.Errorf("%s trusts %s, which is not the network of the balancer", name, proxy)
		}
	}
	conf, err := os.ReadFile(filepath.Join(secrets(t), "worker.conf"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range regexp.MustCompile(`@([a-z]+):(\d+)`).FindAllSubmatch(conf, -1) {
		if _, ok := f.Services[string(at[1])]; !ok {
			t.Errorf("worker.conf names %s, which is no service", at[1])
		}
	}
}

func TestWhatIsDeclaredIsThereAndUsed(t *testing.T) {
	f, folder := read(t), secrets(t)
	used, published := map[string]bool{}, []string{}
	for name, s := range f.Services {
		for _, secret := range s.Secrets {
			if _, ok := f.Secrets[secret]; !ok {
				t.Errorf("%s: no secret %q is declared", name, secret)
			}
			used["secret "+secret] = true
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, ok := f.Volumes[source]; !ok {
				if _, err := os.Stat(source); err != nil {
					t.Errorf("%s: %s is neither a volume nor a file", name, source)
				}
			}
			used["volume "+source] = true
		}
		for _, n := range s.Networks {
			if _, ok := f.Networks[n]; !ok {
				t.Errorf("%s: no network %q is declared", name, n)
			}
			used["network "+n] = true
		}
		if len(s.Ports) > 0 && !slices.ContainsFunc(s.Networks, func(n string) bool { return !f.Networks[n].Internal }) {
			t.Errorf("%s publishes a port from a network that nobody gets into", name)
		}
		published = append(published, s.Ports...)
		if s.Restart != "unless-stopped" || s.Healthcheck == nil {
			t.Errorf("%s: restart is %q, health check %v", name, s.Restart, s.Healthcheck)
		}
		if s.Build == nil && !regexp.MustCompile(`^[a-z]+:\d`).MatchString(s.Image) {
			t.Errorf("%s: %s is not pinned", name, s.Image)
		}
	}
	slices.Sort(published)
	if !slices.Equal(published, []string{"8080:8080", "8282:8282"}) {
		t.Errorf("open to the world: %q, want the page and WebSocket", published)
	}
	for secret, s := range f.Secrets {
		if !used["secret "+secret] {
			t.Errorf("secret %s is nobody's", secret)
		}
		name, ok := strings.CutPrefix(s.File, "./secrets/")
		if _, err := os.Stat(filepath.Join(folder, name)); !ok || err != nil {
			t.Errorf("secret %s: make-secrets does not make %s", secret, s.File)
		}
	}
	for v := range f.Volumes {
		if !used["volume "+v] {
			t.Errorf("volume %s is nobody's", v)
		}
	}
}

// TestSecretsAreMadeOnce: a second run would lock everybody out of the database.
func TestSecretsAreMadeOnce(t *testing.T) {
	folder := secrets(t)
	before, err := os.ReadFile(filepath.Join(folder, "worker.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("./make-secrets", folder).CombinedOutput(); err != nil {
		t.Fatalf("again: %v\n%s", err, out)
	}
	after, err := os.ReadFile(filepath.Join(folder, "worker.conf"))
	if err != nil || string(after) != string(before) {
		t.Errorf("secrets were made anew: %v", err)
	}
	key, err := os.ReadFile(filepath.Join(folder, "operator.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := pushkeys.Load(filepath.Join(folder, "push.keys"))
	if err != nil {
		t.Fatal(err)
	}
	if k, _, ok := keys.Find(strings.TrimSpace(string(key))); !ok || k.Roles.String() != "admin" {
		t.Error("the key of the operator is not that of the api")
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others get into %s: %v, %v", folder, info.Mode(), err)
	}
	if password, err := os.ReadFile(filepath.Join(folder, "postgres")); err != nil || len(password) != 64 || !strings.Contains(string(after), ":"+string(password)+"@postgres:") {
		t.Errorf("workers and the database have different passwords: %v", err)
	}
}
