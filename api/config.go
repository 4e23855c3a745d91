package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/api/internal/picture"
	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
)

// Role is that of the process in the register.
const Role = "api"

// Config is what an API is made from. Identity, Clients, Directory and Files must be
// given; every other zero value becomes the default beside it.
type Config struct {
	Identity handshake.Identity // of role "api"
	Secrets  []string           // of the cluster; workers off loopback ask for one
	Labels   map[string]string  // told to the register

	Clients   net.Listener     // where people's programs connect
	ClientTLS *tls.Config      // nil: http, not https
	WorkerTLS *tls.Config      // for dialling workers; nil: for a trusted network only
	Directory *register.Client // finds workers and gateways; somebody runs it
	Files     string           // folder where pictures are kept; made if it is not there

	Proxies clientaddr.Proxies // whose X-Forwarded-For is believed

	PushKeys *pushkeys.Set // who may call PushService; nil: there is none
	Push     net.Listener  // where backends connect by gRPC, with ClientTLS; nil: they come by HTTP

	Log     *slog.Logger          // nil: nothing is logged
	Metrics prometheus.Registerer // nil: nothing is measured

	Limits Limits
}

// Limits bound what people may cost. A zero means the default.
type Limits struct {
	MaxImageBytes    int64    // 10 MiB of one picture
	MaxImagePixels   int      // 40 million of one picture
	ImageMemory      int64    // 640 MiB for all pictures that are decoded at a time
	UploadsPerMinute int      // 20 pictures of one user
	MaxUploads       int      // 128 pictures that are on their way in
	MaxCalls         int      // 1024 calls of workers that are under way
	MaxConns         int      // 4096 connections of clients, idle ones included, a quarter of them from one network
	AllowOrigins     []string // origins whose pages may use this API; none

	// UploadBytesPerHour are 512 MiB of pictures of one user; at least MaxImageBytes.
	UploadBytesPerHour int64
}

// DefaultLimits are the values that zeros stand for.
func DefaultLimits() Limits {
	p := picture.DefaultLimits()
	return Limits{
		MaxImageBytes: 10 << 20, MaxImagePixels: p.Pixels, ImageMemory: p.Cost,
		UploadsPerMinute: 20, UploadBytesPerHour: 512 << 20, MaxUploads: 128, MaxCalls: 1024, MaxConns: 4096,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	set(&l.MaxImageBytes, d.MaxImageBytes)
	set(&l.MaxImagePixels, d.MaxImagePixels)
	set(&l.ImageMemory, d.ImageMemory)
	set(&l.UploadsPerMinute, d.UploadsPerMinute)
	set(&l.MaxUploads, d.MaxUploads)
	set(&l.MaxCalls, d.MaxCalls)
	set(&l.MaxConns, d.MaxConns)
	set(&l.UploadBytesPerHour, d.UploadBytesPerHour)
	return l
}

func set[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Validate reports everything that is wrong at once, naming the flags.
func (c *Config) Validate() error {
	var errs []error
	if c.Clients == nil {
		errs = append(errs, errors.New("listen: no listener for clients"))
	}
	if c.Directory == nil {
		errs = append(errs, errors.New("register: nobody finds the workers"))
	}
	if c.Files == "" {
		errs = append(errs, errors.New("files: no folder for pictures"))
	}
	if c.Push != nil && c.PushKeys == nil {
		errs = append(errs, errors.New("push-listen: nobody could call there without push-keys"))
	}
	if c.Identity.Role != Role {
		errs = append(errs, fmt.Errorf("role is %q: want %q", c.Identity.Role, Role))
	}
	errs = append(errs, c.Identity.Validate(), c.Limits.Validate())
	return errors.Join(errs...)
}

// Validate reports everything that is wrong at once, naming the flags.
func (l Limits) Validate() error {
	var errs []error
	for _, n := range []struct {
		flag        string
		value, most int64
	}{
		{"max-image-bytes", l.MaxImageBytes, 1 << 30}, {"max-image-pixels", int64(l.MaxImagePixels), 1 << 28},
		{"image-memory", l.ImageMemory, 1 << 40}, {"uploads-per-minute", int64(l.UploadsPerMinute), 1 << 20},
		{"max-uploads", int64(l.MaxUploads), 1 << 20}, {"max-calls", int64(l.MaxCalls), 1 << 20},
		{"max-conns", int64(l.MaxConns), 1 << 20}, {"upload-bytes-per-hour", l.UploadBytesPerHour, 1 << 50},
	} {
		if n.value < 0 || n.value > n.most {
			errs = append(errs, fmt.Errorf("%s is %d: want 1 to %d, or 0 for the default", n.flag, n.value, n.most))
		}
	}
	if d := l.withDefaults(); d.UploadBytesPerHour < d.MaxImageBytes {
		errs = append(errs, fmt.Errorf("upload-bytes-per-hour is %d: want at least max-image-bytes, %d", d.UploadBytesPerHour, d.MaxImageBytes))
	}
	for _, o := range l.AllowOrigins {
		if err := checkOrigin(o); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkOrigin wants what a browser sends as Origin, to the letter.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != s {
		return fmt.Errorf("allow-origin: %q is no origin like https://chat.example.com", s)
	}
	return nil
}
