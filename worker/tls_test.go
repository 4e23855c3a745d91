package worker

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-im/parley/worker/internal/certtest"
)

func TestCertificateIsReadAgainOnReload(t *testing.T) {
	files := certtest.New(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := parsed(t, nil, "--tls-cert", files.Cert, "--tls-key", files.Key, "--tls-ca", files.Cert, "--secret-file", secret)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		t.Helper()
		pair, err := s.TLS.GetClientCertificate(&tls.CertificateRequestInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return string(pair.Certificate[0])
	}
	before := shown()
	files.Renew(t)
	if err := os.WriteFile(secret, []byte("fedcba9876543210 0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	if shown() != before {
		t.Error("another certificate before it was told")
	}
	if _, err := s.reload(w); err != nil {
		t.Fatal(err)
	}
	if shown() == before {
		t.Error("the old certificate after it was told")
	}
	if got := *w.secrets.Load(); len(got) != 2 || got[0] != "fedcba9876543210" {
		t.Errorf("secrets: %d", len(got))
	}
	if err := os.WriteFile(secret, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reload(w); err == nil {
		t.Error("a secret that is too short was taken")
	}
	if got := *w.secrets.Load(); len(got) != 2 {
		t.Error("what was good before is gone")
	}
}

func TestSecretComesFromOnePlace(t *testing.T) {
	s, _, err := parsed(t, map[string]string{"PARLEY_SECRET": "0123456789abcdef"})
	if err != nil || len(s.Secrets) != 1 {
		t.Errorf("from the environment: %v, %v", s.Secrets, err)
	}
	if _, _, err := parsed(t, map[string]string{"PARLEY_SECRET": "0123456789abcdef"}, "--secret-file", "x"); err == nil {
		t.Error("both were taken")
	}
}
