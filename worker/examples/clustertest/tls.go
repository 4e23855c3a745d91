package clustertest

import (
	"crypto/tls"
	"testing"
)

// mutual is what a process dials and listens with; nil: no TLS.
func (c Config) mutual(t testing.TB) *tls.Config {
	t.Helper()
	if c.Authority == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.Authority.Issue(t, "process"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: c.Authority.Pool(),
		ClientCAs: c.Authority.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
	}
}
