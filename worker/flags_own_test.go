package worker

import (
	"bytes"
	"flag"
	"path/filepath"
	"strings"
	"testing"
)

// keeper has flags of its own.
type keeper struct {
	Base
	file  string
	rooms int
	loud  bool
}

func (k *keeper) Flags(fs *flag.FlagSet) {
	fs.StringVar(&k.file, "database", "keeper.db", "the `file` of all")
	fs.IntVar(&k.rooms, "rooms", 3, "`number` of rooms")
	fs.BoolVar(&k.loud, "loud", false, "say more")
}

func TestFlagsOfAHandlerAreReadWithTheOthers(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "parley.conf")
	writeFile(t, conf, "rooms = 7\nlog-level = info\n")
	env := map[string]string{"PARLEY_DATABASE": "of-all.db", "PARLEY_WORKER_DATABASE": "of-workers.db", "PARLEY_CONFIG": conf}
	k := &keeper{}
	var out bytes.Buffer
	s, err := parse(k, []string{"keeper", "--loud", "--cluster", "west"}, func(name string) string { return env[name] }, &out)
	if err != nil {
		t.Fatal(err)
	}
	if k.file != "of-workers.db" || k.rooms != 7 || !k.loud || s.Cluster != "west" {
		t.Errorf("got %+v in %s", *k, s.Cluster)
	}
	s.Config.Handler = k
	w, err := New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, conf, "rooms = 8\nlog-level = warn\n")
	restart, err := s.reload(w)
	if err != nil || len(restart) > 0 || k.rooms != 7 || !k.loud || s.level.Level().String() != "WARN" {
		t.Errorf("a reload: %v, restart needed for %v, %+v", err, restart, *k)
	}
}

func TestFlagsOfAHandlerAreInTheHelp(t *testing.T) {
	var out bytes.Buffer
	if code := run(&keeper{}, []string{"keeper", "-h"}, func(string) string { return "" }, &out, nil); code != 0 {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{"--database file", "(default keeper.db)", "--rooms number"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	out.Reset()
	if code := run(&keeper{}, []string{"keeper", "--rooms", "many"}, func(string) string { return "" }, &out, nil); code != 2 || !strings.Contains(out.String(), "rooms") {
		t.Errorf("code %d:\n%s", code, out.String())
	}
}
