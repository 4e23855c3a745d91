package worker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// tlsFiles are the files that secure the links of a process, and what was last
// read from them.
type tlsFiles struct {
	secrets, cert, key, ca string // their names; empty: none

	pair atomic.Pointer[tls.Certificate] // nil: none
	pool atomic.Pointer[x509.CertPool]   // nil: the system's authorities
}

// config makes what the links dial with; nil: no TLS. What the files hold may be
// replaced while it is in use, see adopt.
func (f *tlsFiles) config() (*tls.Config, error) {
	if f.cert == "" && f.key == "" && f.ca == "" {
		return nil, nil
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS13,
		// RootCAs cannot be changed in place: verify makes the same check against what is
		// there at the time.
		InsecureSkipVerify: true, //nolint:gosec // see above; tests have strangers refused
		VerifyConnection:   f.verify,
	}
	var errs []error
	if (f.cert == "") != (f.key == "") {
		errs = append(errs, errors.New("tls-cert, tls-key: one is of no use without the other"))
	} else if f.cert != "" {
		errs = append(errs, f.load())
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.pair.Load(), nil }
	}
	if f.ca != "" {
		b, err := os.ReadFile(f.ca)
		if err != nil {
			errs = append(errs, fmt.Errorf("tls-ca: %w", err))
		}
		pool := x509.NewCertPool()
		if err == nil && !pool.AppendCertsFromPEM(b) {
			errs = append(errs, fmt.Errorf("tls-ca: %s holds no certificate", f.ca))
		}
		f.pool.Store(pool)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads the certificate, if there is one.
func (f *tlsFiles) load() error {
	if f.cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	f.pair.Store(&pair)
	return nil
}

// verify checks the server that was dialled as crypto/tls would.
func (f *tlsFiles) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	if s.ServerName == "" { // an empty name would be taken for "any"
		return errors.New("it is not known which server is meant; dial with handshake.Credentials")
	}
	opts := x509.VerifyOptions{Roots: f.pool.Load(), DNSName: s.ServerName, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := s.PeerCertificates[0].Verify(opts)
	return err
}

// adopt takes over what next has read. Whether there is a certificate, and an authority,
// is settled when the process starts: what has none then gets none, and what has one
// keeps the old one rather than losing it.
func (f *tlsFiles) adopt(next *tlsFiles) {
	if pair := next.pair.Load(); pair != nil && f.pair.Load() != nil {
		f.pair.Store(pair)
	}
	if pool := next.pool.Load(); pool != nil && f.pool.Load() != nil {
		f.pool.Store(pool)
	}
}
