package tree

import (
	"strings"
	"testing"
)

func TestTracesOfOneMachineAreFound(t *testing.T) {
	for _, line := range []string{
		`dir := "` + `/home` + `/ann/parley"`,
		`see ` + `/root` + `/go/pkg`,
		`cp x ` + `/tmp` + `/x`,
		`"resolved"` + `: "https://example.com/x.tgz"`,
		`GOPROXY=https://` + `proxy.golang` + `.org`,
		`registry=https://` + `registry.` + `npmjs.org/`,
		`-----BEGIN EC ` + `PRIVATE KEY-----`,
		strings.Repeat("<", 7) + " HEAD",
	} {
		if got := inspect("file", []byte("fine\n"+line+"\n")); len(got) != 1 || !strings.HasPrefix(got[0], "file:2: ") {
			t.Errorf("inspect(%q) = %q, want one problem in line 2", line, got)
		}
	}
}

func TestOrdinaryLinesPass(t *testing.T) {
	for _, line := range []string{
		`go build ./work/...`,
		`see go.work/use`,
		`GET /builds of https://example.com/home/page`,
		`github.com/parley-im/parley/worker`,
		`"/register/node"`,
		`=======`[:6],
		`registry.Register(gauge)`,
	} {
		if got := inspect("file", []byte(line)); len(got) != 0 {
			t.Errorf("inspect(%q) = %q, want nothing", line, got)
		}
	}
}

func TestLargeFilesAreFound(t *testing.T) {
	if got := inspect("file", make([]byte, maxBytes+1)); len(got) != 1 {
		t.Errorf("got %q, want one problem", got)
	}
}
