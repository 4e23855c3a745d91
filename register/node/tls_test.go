package node

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"google.golang.org/grpc/credentials"
)

// meet has a client dial a server by its address, as gRPC does.
func meet(t *testing.T, server, client *tls.Config) (leaf []byte, serverErr, clientErr error) {
	t.Helper()
	return meetAt(t, "127.0.0.1:1236", server, client)
}

// meetAt has a client shake hands with a server that it takes for addr, and returns
// what went wrong, and the server's certificate as the client saw it.
func meetAt(t *testing.T, addr string, server, client *tls.Config) (leaf []byte, serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		s, _, err := handshake.Credentials(server).ServerHandshake(conn)
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c, info, clientErr := handshake.Credentials(client).ClientHandshake(t.Context(), addr, conn)
	if clientErr == nil {
		leaf = info.(credentials.TLSInfo).State.PeerCertificates[0].Raw
		_, clientErr = io.ReadFull(c, make([]byte, 1)) // with TLS 1.3 a refusal comes after the handshake
	}
	conn.Close()
	return leaf, <-done, clientErr
}

func certs(t *testing.T, f TLSFiles) *certificates {
	t.Helper()
	m, err := f.load("")
	if err != nil {
		t.Fatal(err)
	}
	c := new(certificates)
	c.current.Store(m)
	return c
}

func TestCertificatesOnBothSides(t *testing.T) {
	ours, foreign := registertest.NewAuthority(t), registertest.NewAuthority(t)
	of := func(a *registertest.Authority, name, ca string) TLSFiles {
		cert, key := a.Issue(t, name)
		return TLSFiles{TLSCert: cert, TLSKey: key, TLSCA: ca}
	}
	server := certs(t, of(ours, "server", ours.CAFile()))
	for _, tt := range []struct {
		name   string
		client TLSFiles
		ok     bool
	}{
		{"same authority", of(ours, "client", ours.CAFile()), true},
		{"foreign client", of(foreign, "client", ours.CAFile()), false},
		{"foreign server", of(ours, "client", foreign.CAFile()), false},
		{"client without a certificate", TLSFiles{TLSCA: ours.CAFile()}, false},
		{"client that trusts the system's authorities", of(ours, "client", ""), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, serverErr, clientErr := meet(t, server.server(), certs(t, tt.client).client())
			if ok := serverErr == nil && clientErr == nil; ok != tt.ok {
				t.Errorf("server: %v, client: %v", serverErr, clientErr)
			}
		})
	}
	t.Run("server that asks nobody", func(t *testing.T) {
		open := certs(t, of(ours, "open", ""))
		if _, serverErr, clientErr := meet(t, open.server(), certs(t, TLSFiles{TLSCA: ours.CAFile()}).client()); serverErr != nil || clientErr != nil {
			t.Errorf("server: %v, client: %v", serverErr, clientErr)
		}
	})
	// Addresses of registers and links are mostly IP addresses, which TLS does not
	// send as a server name: they must be compared all the same.
	t.Run("server of another address", func(t *testing.T) {
		cert, key := ours.IssueFor(t, "elsewhere.example")
		elsewhere := certs(t, TLSFiles{TLSCert: cert, TLSKey: key}).server()
		client := certs(t, TLSFiles{TLSCA: ours.CAFile()}).client()
		for addr, ok := range map[string]bool{
			"127.0.0.1:2900": false, "[::1]:2900": false, "other.example:2900": false,
			"elsewhere.example:2900": true, "elsewhere.example": true,
		} {
			if _, _, err := meetAt(t, addr, elsewhere, client); (err == nil) != ok {
				t.Errorf("dialled as %s: got %v", addr, err)
			}
		}
		good := certs(t, of(ours, "here", "")).server()
		for _, addr := range []string{"127.0.0.1:2900", "[::1]:2900", "localhost:2900"} {
			if _, _, err := meetAt(t, addr, good, client); err != nil {
				t.Errorf("dialled as %s, which is in the certificate: %v", addr, err)
			}
		}
	})
	t.Run("nobody says who is meant", func(t *testing.T) {
		client := certs(t, TLSFiles{TLSCA: ours.CAFile()}).client()
		cert, err := tls.LoadX509KeyPair(ours.Issue(t, "open"))
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if client.VerifyConnection(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}) == nil {
			t.Error("a certificate for no name in particular is taken")
		}
	})
	if certs(t, TLSFiles{}).server() != nil || certs(t, TLSFiles{}).client() != nil || certs(t, TLSFiles{TLSCA: ours.CAFile()}).server() != nil {
		t.Error("TLS without files")
	}
}

func TestCertificatesAreRenewedInPlace(t *testing.T) {
	old, young := registertest.NewAuthority(t), registertest.NewAuthority(t)
	cert, key := old.Issue(t, "node")
	files := TLSFiles{TLSCert: cert, TLSKey: key, TLSCA: old.CAFile()}
	c := certs(t, files)
	server, client := c.server(), c.client()
	before, _, err := meet(t, server, client)
	if err != nil {
		t.Fatal(err)
	}

	// Another authority takes over: trust both, change certificates, trust the new one.
	youngCert, youngKey := young.Issue(t, "node")
	both := concat(t, old.CAFile(), young.CAFile())
	for _, step := range []TLSFiles{
		{cert, key, both}, {youngCert, youngKey, both}, {youngCert, youngKey, young.CAFile()},
	} {
		m, err := step.load("")
		if err != nil {
			t.Fatal(err)
		}
		c.replace(m)
		if _, serverErr, clientErr := meet(t, server, client); serverErr != nil || clientErr != nil {
			t.Fatalf("%+v: server %v, client %v", step, serverErr, clientErr)
		}
	}
	if after, _, _ := meet(t, server, client); string(after) == string(before) {
		t.Error("the certificate has not changed")
	}
	if _, serverErr, clientErr := meet(t, server, certs(t, files).client()); serverErr == nil && clientErr == nil {
		t.Error("the old authority is still trusted")
	}
	c.replace(&material{})
	if _, serverErr, clientErr := meet(t, server, client); serverErr != nil || clientErr != nil {
		t.Errorf("the files vanished: server %v, client %v", serverErr, clientErr)
	}
}

func concat(t *testing.T, paths ...string) string {
	t.Helper()
	var all strings.Builder
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return file(t, "both.pem", all.String())
}
