package store_test

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// TestLibcIsTheOneOfSQLite: modernc.org/sqlite is translated for one version of
// modernc.org/libc, and with another one it may fail in any way. An update of some other
// module must not raise it.
func TestLibcIsTheOneOfSQLite(t *testing.T) {
	const libc = "modernc.org/libc"
	list := func(into any, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", args...).Output()
		if err == nil {
			err = json.Unmarshal(out, into)
		}
		if err != nil {
			t.Fatalf("go %v: %v", args, err)
		}
	}
	var ours, driver struct{ Version, GoMod string }
	list(&ours, "list", "-m", "-json", libc)
	list(&driver, "list", "-m", "-json", "modernc.org/sqlite")
	var wants struct {
		Require []struct{ Path, Version string }
	}
	list(&wants, "mod", "edit", "-json", driver.GoMod)
	for _, r := range wants.Require {
		if r.Path == libc {
			if r.Version != ours.Version {
				t.Errorf("%s is %s, and modernc.org/sqlite %s is made for %s", libc, ours.Version, driver.Version, r.Version)
			}
			return
		}
	}
	t.Errorf("modernc.org/sqlite %s names no %s", driver.Version, libc)
}
