package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Credentials makes what gRPC wants of a TLS configuration, for either side. Nil
// means no TLS. The configuration is cloned; certificates are renewed by its
// GetCertificate, GetClientCertificate and VerifyConnection. The last is told, as
// ServerName, the host that is dialled, also where that is an IP address.
func Credentials(c *tls.Config) credentials.TransportCredentials {
	if c == nil {
		return insecure.NewCredentials()
	}
	if c.VerifyConnection == nil {
		return credentials.NewTLS(c)
	}
	return named{credentials.NewTLS(c), c.Clone()}
}

// named tells VerifyConnection which host was meant. crypto/tls tells it only what it
// sent to the server, and an IP address is never sent: without this a check of the
// name would pass for every address.
type named struct {
	credentials.TransportCredentials
	config *tls.Config
}

func (n named) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	host, _, err := net.SplitHostPort(authority)
	if err != nil {
		host = authority
	}
	c := n.config.Clone()
	c.VerifyConnection = func(s tls.ConnectionState) error {
		s.ServerName = host
		return n.config.VerifyConnection(s)
	}
	return credentials.NewTLS(c).ClientHandshake(ctx, authority, conn)
}

func (n named) Clone() credentials.TransportCredentials {
	return named{n.TransportCredentials.Clone(), n.config}
}

// MutualServer says whether c makes every client show a certificate.
func MutualServer(c *tls.Config) bool {
	return c != nil && c.ClientAuth == tls.RequireAndVerifyClientCert
}

// MutualClient says whether c has a certificate to show to a server.
func MutualClient(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetClientCertificate != nil)
}

// Guarded is the rule of where a process may be without anything to prove: with
// neither a secret nor mutual TLS it listens on, and dials, loopback addresses only.
// addr is host:port; what names no host listens everywhere and is not loopback. A
// list with an empty secret is a mistake, such as a variable that is not set, and
// refused everywhere: it takes nobody.
func Guarded(addr string, secrets []string, mutual bool) error {
	if slices.Contains(secrets, "") {
		return errors.New("a secret is empty: leave it out of the list")
	}
	if len(secrets) > 0 || mutual || loopback(addr) {
		return nil
	}
	return fmt.Errorf("%s is not a loopback address: set a secret, or use TLS with certificates on both sides", addr)
}

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
