package worker

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker/internal/certtest"
)

func TestLimitsChangeOnReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "parley.conf")
	writeFile(t, file, "")
	s, _, err := parsed(t, nil, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	reload := func(text string) {
		t.Helper()
		writeFile(t, file, text)
		if restart, err := s.reload(w); err != nil || len(restart) != 0 {
			t.Fatalf("restart %v, %v", restart, err)
		}
	}
	reload("handler-timeout = 3s\nmax-handlers = 4\nknown-conns = 5\nretain-bytes = 6\ndrain-timeout = 7s\n")
	if w.crew.Timeout() != 3*time.Second || w.knownConns.Load() != 5 || time.Duration(w.drainTimeout.Load()) != 7*time.Second {
		t.Errorf("got %s, %d, %d", w.crew.Timeout(), w.knownConns.Load(), w.drainTimeout.Load())
	}
	reload("")
	if w.crew.Timeout() != DefaultHandlerTimeout || w.knownConns.Load() != DefaultKnownConns || time.Duration(w.drainTimeout.Load()) != DefaultDrainTimeout {
		t.Errorf("what is not said any more: %s, %d, %d", w.crew.Timeout(), w.knownConns.Load(), w.drainTimeout.Load())
	}
}

// shake carries out a TLS handshake of a dialler and a listener.
func shake(t *testing.T, client, server *tls.Config) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			defer conn.Close()
			_, _, _ = handshake.Credentials(server).ServerHandshake(conn) // the dialler says what is wrong
		}
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = handshake.Credentials(client).ClientHandshake(t.Context(), l.Addr().String(), conn)
	conn.Close()
	<-done
	return err
}

func TestAuthoritiesAreReadAgainOnReload(t *testing.T) {
	old, renewed := certtest.New(t), certtest.New(t)
	file := filepath.Join(t.TempDir(), "parley.conf")
	writeFile(t, file, "tls-ca = "+old.Cert)
	s, _, err := parsed(t, nil, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	before, after := old.Config(t), renewed.Config(t)
	before.ClientAuth, after.ClientAuth = tls.NoClientCert, tls.NoClientCert
	if err := shake(t, s.TLS, before); err != nil {
		t.Fatal(err)
	}
	if shake(t, s.TLS, after) == nil {
		t.Fatal("a stranger was taken")
	}
	writeFile(t, file, "tls-ca = "+renewed.Cert)
	if restart, err := s.reload(w); err != nil || len(restart) > 0 {
		t.Fatal(restart, err)
	}
	if err := shake(t, s.TLS, after); err != nil {
		t.Error(err)
	}
	if shake(t, s.TLS, before) == nil {
		t.Error("who was good before is taken still")
	}
}

func TestServerIsCheckedForItsName(t *testing.T) {
	files := certtest.New(t)
	s, _, err := parsed(t, nil, "--tls-ca", files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false, "": false} {
		state := tls.ConnectionState{ServerName: name, PeerCertificates: nil}
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		if s.TLS.VerifyConnection == nil {
			t.Fatal("nothing is verified")
		}
		if s.TLS.VerifyConnection(state) == nil {
			t.Error("a server without a certificate was taken")
		}
		state.PeerCertificates = append(state.PeerCertificates, pair.Leaf)
		if err := s.TLS.VerifyConnection(state); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTLSIsNotTurnedOnOrOffWhileItRuns(t *testing.T) {
	files := certtest.New(t)
	all := "tls-ca = " + files.Cert + "\ntls-cert = " + files.Cert + "\ntls-key = " + files.Key
	for name, test := range map[string]struct {
		before, after string
		restart       []string
	}{
		"on":            {"", all, []string{"tls-ca", "tls-cert", "tls-key"}},
		"off":           {all, "", []string{"tls-ca", "tls-cert", "tls-key"}},
		"a certificate": {"tls-ca = " + files.Cert, all, []string{"tls-cert", "tls-key"}},
		"the same":      {all, all, nil},
	} {
		file := filepath.Join(t.TempDir(), "parley.conf")
		writeFile(t, file, test.before)
		s, _, err := parsed(t, nil, "--config", file)
		if err != nil {
			t.Fatal(err)
		}
		w, err := New(s.Config)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, test.after)
		if restart, err := s.reload(w); err != nil || !slices.Equal(restart, test.restart) {
			t.Errorf("%s: restart %v, %v", name, restart, err)
		}
	}
}

// What is read must be good together with what stays as it is.
func TestSecretDoesNotGoWhileItIsNeeded(t *testing.T) {
	files := certtest.New(t)
	file := filepath.Join(t.TempDir(), "parley.conf")
	secret := filepath.Join(t.TempDir(), "secret")
	writeFile(t, secret, "0123456789abcdef")
	writeFile(t, file, "register = 192.0.2.1:1236\nsecret-file = "+secret)
	s, _, err := parsed(t, nil, "--config", file)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []string{
		"register = 127.0.0.1:1236", // it stays at the other until it is started again
		"register = 192.0.2.1:1236\ntls-ca = " + files.Cert + "\ntls-cert = " + files.Cert + "\ntls-key = " + files.Key,
	} {
		writeFile(t, file, next+"\nknown-conns = 5")
		if _, err := s.reload(w); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%s\n%v", next, err)
		}
		if len(*w.secrets.Load()) != 1 || w.knownConns.Load() == 5 {
			t.Errorf("%s\nwas taken", next)
		}
	}
}
