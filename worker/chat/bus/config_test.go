package bus

import (
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

func TestZeroConfigIsGood(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{URL: "nats://u:p@a:4222, b:4222,tls://c"}); err != nil {
		t.Error(err)
	}
}

func TestEverythingWrongIsSaidAtOnceWithoutThePassword(t *testing.T) {
	_, err := New(Config{URL: "http://user:hush@h,nats://tok%zzhush@h", Prefix: "A.b", Replicas: 9, EventBytes: -1, Creds: "/no/such/file"})
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{"http://h: ", "not a URL", "prefix", "replicas", "event bytes", "creds"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the password is in: %v", err)
	}
}

func TestPasswordIsNeitherLoggedNorInReady(t *testing.T) {
	s := bustest.Stopped(t)
	host := strings.TrimPrefix(s.URL(), "nats://")
	for _, secret := range []string{"user:hush@", "hush@"} {
		b := open(t, Config{URL: "nats://" + secret + host}, nil)
		b.says(t, "no connection")
		eventually(t, "it was logged", func() bool { return b.log.count("no connection to nats") > 0 })
		if b.log.count(host) == 0 || b.log.count("hush") > 0 || strings.Contains(b.Ready().Error(), "hush") {
			t.Errorf("log: %s\nready: %v", b.log.buf.String(), b.Ready())
		}
		b.end()
	}
}
