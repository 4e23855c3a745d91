package bus

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

func TestWrongPasswordIsSaidAndTriedAgain(t *testing.T) {
	password := "new"
	s := bustest.Start(t, func(o *server.Options) { o.Username, o.Password = "parley", password })
	url := func(user string) string { return strings.Replace(s.URL(), "//", "//"+user+"@", 1) }
	b := open(t, Config{URL: url("parley:old")}, nil)
	b.says(t, "iolation") // of the authorization; its first letter is big or small
	password = "old"
	s.Restart()
	b.ready(t)
	publishAll(t, b.Bus, 3)
	password = "new" // changed while it is connected; more than two attempts fail
	s.Restart()
	b.says(t, "iolation") // of the authorization; its first letter is big or small
	password = "old"
	s.Restart()
	b.ready(t)
	if b.log.count("old@") > 0 || b.log.count("parley:") > 0 {
		t.Error("the password was logged")
	}
}

func TestTokenInTheURL(t *testing.T) {
	s := bustest.Start(t, func(o *server.Options) { o.Authorization = "hush" })
	b := open(t, Config{URL: strings.Replace(s.URL(), "//", "//hush@", 1)}, nil)
	b.ready(t)
	if b.log.count("hush") > 0 {
		t.Error("the token was logged")
	}
}

func TestTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1, and who trusts it
	defer web.Close()
	trusting := web.Client().Transport.(*http.Transport).TLSClientConfig
	s := bustest.Start(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}
		o.TLSTimeout = 10
	})
	b := open(t, Config{URL: s.URL(), TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil)
	b.says(t, "certificate")
	b = open(t, Config{URL: s.URL(), TLS: trusting}, nil)
	b.ready(t)
	publishAll(t, b.Bus, 3)
}
