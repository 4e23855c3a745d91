package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// TLSFiles is where certificates are. With a Cert and a Key this process serves TLS
// and shows the certificate when it dials; with a CA as well it asks those who dial
// for a certificate of that authority (mutual TLS). All three are PEM. A Program with
// more than those of Config embeds them with a prefix and says whom they are for:
//
//	ClientTLS node.TLSFiles `embed:"" prefix:"client-" set:"whom=for clients"`
type TLSFiles struct {
	TLSCert string `name:"tls-cert" shared:"" reload:"renew" group:"Every role" placeholder:"FILE" help:"Certificate ${whom}, PEM."`
	TLSKey  string `name:"tls-key" shared:"" reload:"renew" group:"Every role" placeholder:"FILE" help:"Key of the certificate ${whom}, PEM."`
	TLSCA   string `name:"tls-ca" shared:"" reload:"renew" group:"Every role" placeholder:"FILE" help:"Authorities ${whom}, PEM; with a certificate as well, both sides must show one."`
}

// Mutual says whether both sides show certificates.
func (f TLSFiles) Mutual() bool { return f.TLSCert != "" && f.TLSCA != "" }

func (f TLSFiles) empty() bool { return f == TLSFiles{} }

// clientShape is what can be known of the TLS of a dialler without reading files.
func (f TLSFiles) clientShape() *tls.Config {
	c := &tls.Config{}
	if f.Mutual() {
		c.Certificates = make([]tls.Certificate, 1)
	}
	return c
}

// material is what the files hold.
type material struct {
	cert *tls.Certificate // nil: none
	pool *x509.CertPool   // nil: the system's authorities, and clients need no certificate
}

// Validate reports everything wrong with the files. prefix is that of the flags, as
// in the prefix tag of kong: "client-" for --client-tls-cert; mostly empty.
func (f TLSFiles) Validate(prefix string) error {
	_, err := f.load(prefix)
	return err
}

// load reads the files and reports everything wrong with them.
func (f TLSFiles) load(prefix string) (*material, error) {
	var errs []error
	m := &material{}
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		errs = append(errs, fmt.Errorf("--%[1]stls-cert, --%[1]stls-key: one is set without the other", prefix))
	case f.TLSCert != "":
		cert, err := tls.LoadX509KeyPair(f.TLSCert, f.TLSKey)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%[1]stls-cert, --%[1]stls-key: %[2]w", prefix, err))
		}
		m.cert = &cert
	}
	if f.TLSCA != "" {
		pem, err := os.ReadFile(f.TLSCA)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%stls-ca: %w", prefix, err))
		} else if m.pool = x509.NewCertPool(); !m.pool.AppendCertsFromPEM(pem) {
			errs = append(errs, fmt.Errorf("--%stls-ca: there is no certificate in %s", prefix, f.TLSCA))
		}
	}
	return m, errors.Join(errs...)
}

// certificates is the current material; connections made later use what is there then.
type certificates struct{ current atomic.Pointer[material] }

// replace takes new material over. Whether there is a certificate, and an authority,
// is settled when the process starts: what has none then gets none, and what has one
// keeps the old one rather than losing it.
func (c *certificates) replace(m *material) {
	old := c.current.Load()
	next := *old
	if old.cert != nil && m.cert != nil {
		next.cert = m.cert
	}
	if old.pool != nil && m.pool != nil {
		next.pool = m.pool
	}
	c.current.Store(&next)
}

// server is the configuration of a listener; nil without a certificate.
func (c *certificates) server() *tls.Config {
	m := c.current.Load()
	if m.cert == nil {
		return nil
	}
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load().cert, nil },
	}
	if m.pool == nil {
		return cfg
	}
	cfg.ClientAuth, cfg.ClientCAs = tls.RequireAndVerifyClientCert, m.pool
	// ClientCAs cannot be changed in place: each handshake gets its own copy.
	outer := cfg.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		inner := cfg.Clone()
		inner.ClientCAs = c.current.Load().pool
		return inner, nil
	}
	return outer
}

// client is the configuration of a dialler; nil without any file.
func (c *certificates) client() *tls.Config {
	m := c.current.Load()
	if m.cert == nil && m.pool == nil {
		return nil
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// RootCAs cannot be changed in place: VerifyConnection makes the same check
		// against what is there at the time.
		InsecureSkipVerify: true, //nolint:gosec // see above; a test has a foreign server refused
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the server shows no certificate")
			}
			if s.ServerName == "" { // an empty name would be taken for "any"
				return errors.New("it is not known which server is meant; dial with handshake.Credentials")
			}
			opts := x509.VerifyOptions{Roots: c.current.Load().pool, DNSName: s.ServerName, Intermediates: x509.NewCertPool()}
			for _, cert := range s.PeerCertificates[1:] {
				opts.Intermediates.AddCert(cert)
			}
			_, err := s.PeerCertificates[0].Verify(opts)
			return err
		},
	}
	if m.cert != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return c.current.Load().cert, nil
		}
	}
	return cfg
}
