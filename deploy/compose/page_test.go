package compose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-im/parley/deploy/local/build"
)

// page returns the section of docs/operating.md about many machines.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Many machines\n")
	if !ok {
		t.Fatal("operating.md has no section about many machines")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// blocks returns the code of one language in the section.
func blocks(section, language string) (list []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestProgramsTakeTheCommandsOfThePage runs each command that starts a process, word for
// word and by a shell, with --check behind it; only the folder of the files is another.
func TestProgramsTakeTheCommandsOfThePage(t *testing.T) {
	built, err := build.Builder{}.Programs(t.Context(), build.Register, build.Gateway, "worker/chat/cmd/parley-worker", "api/cmd/parley-api")
	if err != nil {
		t.Fatal(err)
	}
	folder, path := t.TempDir(), os.Getenv("PATH")
	for _, program := range built {
		path = filepath.Dir(program) + string(os.PathListSeparator) + path
	}
	shell := func(script string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", script)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "PATH="+path)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	names := map[string]bool{}
	for _, block := range blocks(page(t), "sh") {
		block = strings.ReplaceAll(block, "\\\n", " ")
		for _, line := range regexp.MustCompile(`(?ms)^umask.*?^END$|^umask[^\n]*|^parley-[^\n]*`).FindAllString(block, -1) {
			starts := strings.HasPrefix(line, "parley-")
			if starts {
				line = strings.TrimSuffix(line, " &") + " --check"
			}
			out, err := shell(line)
			if err != nil {
				t.Errorf("%s\n%v\n%s", line, err, out)
			}
			if starts && !strings.Contains(out, "Secrets: 1.") {
				t.Errorf("%s\ntakes no secret: %s", line, out)
			}
			if m := regexp.MustCompile(`--name (\S+)`).FindStringSubmatch(line); m != nil {
				names[m[1]] = true
			}
		}
	}
	for _, name := range []string{"reg-1", "reg-2", "gw-1", "gw-2", "work-1", "work-2", "web-1"} {
		if !names[name] {
			t.Errorf("no command starts %s", name)
		}
	}
}

// TestNginxTakesTheConfigurationOfThePage has nginx judge it.
func TestNginxTakesTheConfigurationOfThePage(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		missing := t.Skip
		if os.Getenv("PARLEY_CI") != "" {
			missing = t.Fatal
		}
		missing("no nginx found; install the package nginx")
	}
	conf, folder := nginxConf(t, strings.NewReplacer())
	out, err := exec.Command(nginx, "-t", "-q", "-e", filepath.Join(folder, "errors"), "-p", folder, "-c", conf).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// nginxConf writes the configuration of the page, after a change, as a whole one.
func nginxConf(t *testing.T, change *strings.Replacer) (conf, folder string) {
	t.Helper()
	found := blocks(page(t), "nginx")
	if len(found) != 1 {
		t.Fatalf("%d configurations of nginx", len(found))
	}
	folder = t.TempDir()
	cert, key := certificate(t, folder)
	site := change.Replace(strings.NewReplacer("chat.pem", cert, "chat.key", key).Replace(found[0]))
	text := "daemon off;\nmaster_process off;\npid " + folder + "/pid;\nevents {}\nhttp {\naccess_log off;\n" + site + "}\n"
	conf = filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return conf, folder
}

// certificate makes one that nobody signed.
func certificate(t *testing.T, folder string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"chat.example.com"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
