package push

import (
	"context"
	"sync"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker"
)

// Member is a process of the cluster.
type Member = register.Member

// service is what the calls do. It has every rpc, or it does not compile.
type service struct {
	pushv1.UnsafePushServiceServer
	sender    *worker.Sender
	members   func() []Member
	registers func() map[string]bool
}

var _ pushv1.PushServiceServer = (*service)(nil)

// gatewayOf is the node of a conn's gateway, "" when it is not in the cluster.
func (s *service) gatewayOf(id connid.ID) string {
	for _, m := range s.members() {
		if m.Boot == id.Gateway {
			return m.ID
		}
	}
	return ""
}

// nodes are those of the gateways, by their boot.
func (s *service) nodes() map[uint64]string {
	all := map[uint64]string{}
	for _, m := range s.members() {
		all[m.Boot] = m.ID
	}
	return all
}

// silent names the gateway of the one conn that a call was about, if that did not answer.
func (s *service) silent(id connid.ID, err error) error {
	if !unanswered(err) {
		return err
	}
	if node := s.gatewayOf(id); node != "" {
		return fault.New(fault.Unavailable, "gateway "+node+" did not answer").Because(err)
	}
	return err
}

// unanswered says that of somebody nothing came: it may have happened.
func unanswered(err error) bool {
	if err == nil {
		return false
	}
	code := fault.CodeOf(err)
	return code == fault.Unavailable || code == fault.DeadlineExceeded
}

// parallel is how many of the commands of one call are on their way at once, where the
// link has none for many.
const parallel = 64

// each calls do for 0 to n-1, some at a time.
func each(ctx context.Context, n int, do func(ctx context.Context, i int)) {
	places := make(chan struct{}, parallel)
	var running sync.WaitGroup
	defer running.Wait()
	for i := range n {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			do(ctx, i)
		})
	}
}
