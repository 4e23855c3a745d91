package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/node"
)

// config is the flags of parley-api.
type config struct {
	node.Config
	node.Membership

	Listen    string        `default:"127.0.0.1:8080" help:"Where people's programs connect."`
	ClientTLS node.TLSFiles `embed:"" prefix:"client-" set:"whom=for clients"`
	Files     string        `default:"parley-files" placeholder:"FOLDER" help:"Where pictures are kept; several of this role share one."`

	PushKeys   string `reload:"renew" placeholder:"FILE" help:"Keys of backends, which may call PushService with them; read anew with every SIGHUP. Empty: there is no PushService."`
	PushListen string `placeholder:"ADDRESS" help:"Where backends call PushService over gRPC, with the certificate for clients; empty: only over HTTP."`
	PushPlain  bool   `help:"Let --push-listen be without a certificate off loopback, because a balancer in front has one or the network is trusted."`

	TrustedProxy       []string `placeholder:"ADDRESS" help:"Addresses of balancers, or networks like 10.0.0.0/24, whose X-Forwarded-For says from where a client comes; empty: none."`
	AllowOrigin        []string `reload:"" placeholder:"ORIGIN" help:"Origins whose pages may use this API, https://chat.example.com; empty: only its own."`
	MaxImageBytes      int64    `default:"${max_image_bytes}" help:"Bytes of one picture."`
	MaxImagePixels     int      `default:"${max_image_pixels}" help:"Pixels of one picture."`
	ImageMemory        int64    `default:"${image_memory}" help:"Bytes of memory for the pictures that are looked at at once; one that takes more is refused."`
	UploadsPerMinute   int      `default:"${uploads_per_minute}" help:"Pictures that a user may upload in a minute, to this process."`
	UploadBytesPerHour int64    `default:"${upload_bytes_per_hour}" help:"Bytes of pictures that a user may upload in an hour, to this process."`
	MaxUploads         int      `default:"${max_uploads}" help:"Pictures that are on their way in at once; more get 503."`
	MaxCalls           int      `default:"${max_calls}" help:"Calls of workers that are under way at once; more get 503."`
	MaxConns           int      `default:"${max_conns}" help:"Connections of clients at once, from one address a quarter; the one that is idle for longest makes room, and when none is, others wait."`
}

// Vars names the defaults, which live in package api.
func (c *config) Vars() map[string]string {
	d := api.DefaultLimits()
	return map[string]string{
		"max_image_bytes": fmt.Sprint(d.MaxImageBytes), "max_image_pixels": strconv.Itoa(d.MaxImagePixels), "image_memory": fmt.Sprint(d.ImageMemory),
		"uploads_per_minute": strconv.Itoa(d.UploadsPerMinute), "max_uploads": strconv.Itoa(d.MaxUploads), "max_calls": strconv.Itoa(d.MaxCalls),
		"max_conns": strconv.Itoa(d.MaxConns), "upload_bytes_per_hour": fmt.Sprint(d.UploadBytesPerHour),
	}
}

func (c *config) limits() api.Limits {
	return api.Limits{
		MaxImageBytes: c.MaxImageBytes, MaxImagePixels: c.MaxImagePixels, ImageMemory: c.ImageMemory,
		UploadsPerMinute: c.UploadsPerMinute, MaxUploads: c.MaxUploads, MaxCalls: c.MaxCalls, MaxConns: c.MaxConns, UploadBytesPerHour: c.UploadBytesPerHour, AllowOrigins: c.AllowOrigin,
	}
}

// Validate reports everything wrong at once.
func (c *config) Validate() error {
	errs := []error{c.ValidateMembership(c.Membership), c.ClientTLS.Validate("client-"), c.limits().Validate()}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("--listen: %q is not host:port", c.Listen))
	} else if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		errs = append(errs, fmt.Errorf("--listen: %q has no port that there is", c.Listen))
	}
	errs = append(errs, c.validatePush())
	if _, err := clientaddr.Parse(c.TrustedProxy); err != nil {
		errs = append(errs, fmt.Errorf("--trusted-proxy: %w", err))
	}
	if c.Files == "" {
		errs = append(errs, errors.New("--files: empty"))
	}
	return errors.Join(errs...)
}

// New opens the listener and builds the API.
func (c *config) New(n *node.Node) (node.Service, error) {
	l, err := n.Listen("listen", c.Listen)
	if err != nil {
		return nil, err
	}
	directory, err := n.Client(c.Membership)
	if err != nil {
		return nil, err
	}
	clientTLS, err := n.TLS(c, "client-", func(p node.Program) node.TLSFiles { return p.(*config).ClientTLS })
	if err != nil {
		return nil, err
	}
	proxies, err := clientaddr.Parse(c.TrustedProxy)
	if err != nil {
		return nil, err
	}
	backends, err := c.push(n)
	if err != nil {
		return nil, err
	}
	a, err := api.New(api.Config{
		PushKeys: backends.keys, Push: backends.listener,
		Identity: n.Identity(), Secrets: n.Secrets(), Labels: c.Label,
		Clients: l, ClientTLS: clientTLS, WorkerTLS: n.ClientTLS(), Directory: directory, Files: c.Files, Proxies: proxies,
		Log: n.Log(), Metrics: n.Metrics(), Limits: c.limits(),
	})
	if err != nil {
		return nil, err
	}
	n.Ready("api", a.Ready)
	n.OnReload(func(next node.Program) {
		c := next.(*config)
		a.SetSecrets(c.Secrets())
		if err := a.SetOrigins(c.AllowOrigin); err != nil {
			n.Log().Error("origins not taken over", "err", err)
		}
		c.reloadPush(n, a)
	})
	n.Log().Info("listening", "addr", l.Addr().String())
	return &service{a, n}, nil
}

// service is an API that drains when it is told to stop.
type service struct {
	api  *api.API
	node *node.Node
}

// Run serves until ctx ends, and lets what was asked be answered.
func (s *service) Run(ctx context.Context) error { return s.api.Run(ctx, s.node.Deadline()) }
