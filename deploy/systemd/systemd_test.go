package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/build"
)

// packages are what the units start.
var packages = map[string]string{
	"register": build.Register, "gateway": build.Gateway,
	"worker": "worker/chat/cmd/parley-worker", "api": "api/cmd/parley-api",
}

func programs(t *testing.T) map[string]string {
	t.Helper()
	var list []string
	for _, role := range roles {
		list = append(list, packages[role])
	}
	built, err := build.Builder{}.Programs(t.Context(), list...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// TestProgramsTakeWhatTheirUnitsSay runs each ExecStart with --check.
func TestProgramsTakeWhatTheirUnitsSay(t *testing.T) {
	built, folder := programs(t), etc(t)
	ports := map[string]string{}
	for _, role := range roles {
		u := load(t, role)
		words := strings.Fields(u.one(t, "ExecStart"))
		if words[0] != "/usr/local/bin/parley-"+role {
			t.Errorf("%s starts %s", role, words[0])
		}
		args := []string{"--check"}
		for _, w := range words[1:] {
			args = append(args, strings.NewReplacer("%H", "host", "%i", "1", "/etc/parley/", folder+"/").Replace(w))
		}
		out, err := exec.Command(built[packages[role]], args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", role, err, out)
			continue
		}
		if !strings.Contains(string(out), "Secrets: 1.") {
			t.Errorf("%s takes no secret:\n%s", role, out)
		}
		setting := func(key string) string {
			m := regexp.MustCompile(`(?m)^` + key + ` = (\S+)`).FindSubmatch(out)
			if m == nil {
				t.Fatalf("%s: no %s in\n%s", role, key, out)
			}
			return string(m[1])
		}
		drain, err := time.ParseDuration(setting("drain-timeout"))
		if err != nil {
			t.Fatal(err)
		}
		stop, err := strconv.Atoi(u.one(t, "TimeoutStopSec"))
		if err != nil || time.Duration(stop)*time.Second < drain+2*time.Second {
			t.Errorf("%s is killed after %d s (%v), and may drain for %v", role, stop, err, drain)
		}
		ops := setting("ops-listen")
		if other := ports[ops[strings.LastIndex(ops, ":"):]]; other != "" {
			t.Errorf("%s and %s have one port for operators, on one machine", role, other)
		}
		ports[ops[strings.LastIndex(ops, ":"):]] = role
	}
}

// hardened is what every unit keeps its process from.
var hardened = map[string]string{
	"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
	"ProtectKernelTunables": "yes", "ProtectKernelModules": "yes", "ProtectControlGroups": "yes", "PrivateDevices": "yes",
	"PrivateTmp": "yes", "RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes", "LockPersonality": "yes",
	"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX", "User": "parley", "Group": "parley",
}

func TestUnitsDrainComeBackAndMayLittle(t *testing.T) {
	for _, role := range roles {
		u := load(t, role)
		for key, want := range hardened {
			if got := u[key]; !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q, want %q", role, key, got, want)
			}
		}
		for key, want := range map[string]string{
			"KillSignal": "SIGTERM", "KillMode": "mixed", "Restart": "on-failure", "RestartPreventExitStatus": "2",
			"ExecReload": "/bin/kill -HUP $MAINPID", "Type": "exec",
		} {
			if got := u.one(t, key); got != want {
				t.Errorf("%s: %s is %s, want %s", role, key, got, want)
			}
		}
		if files, err := strconv.Atoi(u.one(t, "LimitNOFILE")); err != nil || role == "gateway" && files < 1_000_000 {
			t.Errorf("%s: LimitNOFILE is %d, %v", role, files, err)
		}
	}
}

// TestSystemdTakesTheUnits asks systemd itself, where it is; it needs not run.
func TestSystemdTakesTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze found: TestUnitsDrainComeBackAndMayLittle reads the units alone")
		return
	}
	folder := t.TempDir()
	for _, role := range roles {
		text, err := os.ReadFile(path(role))
		if err != nil {
			t.Fatal(err)
		}
		// It wants the program to be there.
		program := filepath.Join(folder, "parley-"+role)
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		body := strings.ReplaceAll(string(text), "/usr/local/bin/parley-"+role, program)
		if err := os.WriteFile(filepath.Join(folder, path(role)), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		instance := filepath.Join(folder, "parley-"+role+"@1.service")
		out, err := exec.Command(analyze, "verify", "--man=no", instance).CombinedOutput()
		if said := strings.TrimSpace(string(out)); err != nil || strings.Contains(said, "parley-"+role) {
			t.Errorf("%s: %v\n%s", role, err, said)
		}
	}
}
