package client

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are how to dial. The zero value does.
type Options struct {
	Header       http.Header // added to the request
	Subprotocols []string    // offered, in this order
	TLS          *tls.Config // for wss; nil: the system's roots
	ReadBuffer   int         // bytes; 0: 4096. Load tests with many conns take 512
	MaxMessage   int         // bytes of one message; 0: 1 MiB

	// WriteTimeout is how long the socket may take nothing of a frame; 0: for ever.
	WriteTimeout time.Duration

	// Dial opens the connection; nil: plain TCP without keep-alive probes.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Refused is the error of Dial when the server answered, but not with 101.
type Refused struct {
	Status     int
	Body       string
	RetryAfter string // the header as it came
}

func (r *Refused) Error() string { return fmt.Sprintf("refused with %d: %s", r.Status, r.Body) }

// Dial opens a conn. ctx bounds the handshake only.
func Dial(ctx context.Context, rawURL string, o Options) (*Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	nc, err := o.connect(ctx, u)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	c, err := o.upgrade(nc, u)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("handshake with %s: %w", u.Host, err)
	}
	return c, nil
}

func (o Options) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	addr := u.Host
	secure := u.Scheme == "wss"
	if !secure && u.Scheme != "ws" {
		return nil, fmt.Errorf("dial %s: the scheme must be ws or wss", u)
	}
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), map[bool]string{false: "80", true: "443"}[secure])
	}
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: -1}).DialContext
	}
	nc, err := dial(ctx, "tcp", addr)
	if err != nil || !secure {
		return nc, err
	}
	cfg := o.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = u.Hostname()
	}
	tc := tls.Client(nc, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("TLS with %s: %w", addr, err)
	}
	return tc, nil
}

// upgrade asks for the protocol and checks the answer.
func (o Options) upgrade(nc net.Conn, u *url.URL) (*Conn, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])

	var req strings.Builder
	fmt.Fprintf(&req, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n", u.RequestURI(), u.Host)
	fmt.Fprintf(&req, "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n", key)
	if len(o.Subprotocols) > 0 {
		fmt.Fprintf(&req, "Sec-WebSocket-Protocol: %s\r\n", strings.Join(o.Subprotocols, ", "))
	}
	if err := o.Header.Write(&req); err != nil {
		return nil, err
	}
	req.WriteString("\r\n")
	if _, err := io.WriteString(nc, req.String()); err != nil {
		return nil, err
	}

	size := o.ReadBuffer
	if size == 0 {
		size = 4096
	}
	br := bufio.NewReaderSize(nc, size)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096)) // what came is enough
		return nil, &Refused{
			Status: resp.StatusCode, Body: strings.TrimSpace(string(body)), RetryAfter: resp.Header.Get("Retry-After"),
		}
	}
	if want := accept(key); resp.Header.Get("Sec-WebSocket-Accept") != want {
		return nil, errors.New("wrong Sec-WebSocket-Accept")
	}
	limit := o.MaxMessage
	if limit == 0 {
		limit = 1 << 20
	}
	return &Conn{nc: nc, br: br, limit: limit, header: resp.Header, write: o.WriteTimeout}, nil
}

func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
