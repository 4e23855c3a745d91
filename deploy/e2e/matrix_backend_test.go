package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register/registertest"
)

// backend is an api process, and a key for all that there is.
type backend struct {
	key, file, at string
	doors         map[door]pushDoor
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	roles, err := pushkeys.ParseRoles("admin")
	must(t, err)
	text, k, err := pushkeys.New("matrix", roles, 10_000)
	must(t, err)
	b := &backend{key: text, file: filepath.Join(t.TempDir(), "keys"), at: registertest.Address(t)}
	must(t, os.WriteFile(b.file, []byte(k.Line()), 0o600))
	return b
}

// joins adds the api to a cluster, built as users run it.
func (b *backend) joins(t *testing.T, cfg *local.Config) {
	t.Helper()
	built, err := build.Builder{}.Programs(t.Context(), build.API)
	must(t, err)
	cfg.Programs.API = built[build.API]
	cfg.APIArgs = []string{"--files", filepath.Join(t.TempDir(), "files"), "--push-keys", b.file, "--push-listen", b.at}
}

// starts starts it and waits until it carries out calls.
func (b *backend) starts(t *testing.T, c *local.Cluster) {
	t.Helper()
	conn, err := grpc.NewClient(b.at, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	transport := new(http.Transport)
	t.Cleanup(func() {
		_ = conn.Close()
		transport.CloseIdleConnections()
	})
	b.doors = map[door]pushDoor{
		byHTTP: overHTTP(&http.Client{Transport: transport}, fmt.Sprintf("http://127.0.0.1:%d/push/v1/", c.APIPort())),
		byGRPC: overGRPC(conn),
	}
	must(t, c.API.Start())
	for by := range b.doors {
		eventually(t, func() bool {
			var r pushv1.GetTotalsResponse
			err = b.calling(by)(within(t, everything), "GetTotals", &pushv1.GetTotalsRequest{}, &r)
			return err == nil && len(r.GetGateways()) == len(c.Gateways)
		}, func() string { return fmt.Sprintf("the api does not answer over %s: %v", by, err) })
	}
}

// calling is how a door calls PushService.
func (b *backend) calling(by door) calling {
	return func(ctx context.Context, rpc string, req, res proto.Message) error {
		return b.doors[by](ctx, b.key, rpc, req, res)
	}
}
