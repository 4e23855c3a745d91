package handshake

import (
	"crypto/tls"
	"testing"
)

func TestGuarded(t *testing.T) {
	for _, tt := range []struct {
		addr    string
		secrets []string
		mutual  bool
		ok      bool
	}{
		{"127.0.0.1:1236", nil, false, true},
		{"127.8.8.8:1236", nil, false, true},
		{"[::1]:1236", nil, false, true},
		{"[::ffff:127.0.0.1]:1236", nil, false, true},
		{"localhost:1236", nil, false, true},
		{":1236", nil, false, false},
		{"0.0.0.0:1236", nil, false, false},
		{"[::]:1236", nil, false, false},
		{"10.0.0.1:1236", nil, false, false},
		{"register.example:1236", nil, false, false},
		{"localhost.example:1236", nil, false, false},
		{"127.0.0.1.example:1236", nil, false, false},
		{"10.0.0.1:1236", []string{"s"}, false, true},
		{":1236", nil, true, true},
		{"10.0.0.1:1236", []string{""}, false, false}, // as of os.Getenv of what is not set
		{"127.0.0.1:1236", []string{""}, false, false},
		{"10.0.0.1:1236", []string{"s", ""}, true, false},
	} {
		if err := Guarded(tt.addr, tt.secrets, tt.mutual); (err == nil) != tt.ok {
			t.Errorf("%s with %d secrets, mutual %v: got %v", tt.addr, len(tt.secrets), tt.mutual, err)
		}
	}
}

func TestMutual(t *testing.T) {
	for _, tt := range []struct {
		c              *tls.Config
		server, client bool
	}{
		{nil, false, false},
		{&tls.Config{}, false, false},
		{&tls.Config{ClientAuth: tls.RequestClientCert}, false, false},
		{&tls.Config{ClientAuth: tls.VerifyClientCertIfGiven}, false, false},
		{&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert}, true, false},
		{&tls.Config{Certificates: make([]tls.Certificate, 1)}, false, true},
	} {
		if MutualServer(tt.c) != tt.server || MutualClient(tt.c) != tt.client {
			t.Errorf("%+v: got %v, %v", tt.c, MutualServer(tt.c), MutualClient(tt.c))
		}
	}
	if got := Credentials(nil).Info().SecurityProtocol; got != "insecure" {
		t.Errorf("without TLS: got %s", got)
	}
	if got := Credentials(&tls.Config{}).Info().SecurityProtocol; got != "tls" {
		t.Errorf("with TLS: got %s", got)
	}
}
