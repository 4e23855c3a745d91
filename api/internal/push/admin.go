package push

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// ListMembers implements pushv1.PushServiceServer.
func (s *service) ListMembers(context.Context, *pushv1.ListMembersRequest) (*pushv1.ListMembersResponse, error) {
	res := &pushv1.ListMembersResponse{}
	for _, m := range s.members() {
		one := &pushv1.Member{
			Role: m.Role, Node: m.ID, Boot: fmt.Sprintf("%016x", m.Boot), Addr: m.Addr, PublicUrl: m.PublicURL,
			Labels: m.Labels, Build: m.Build, Load: m.Load,
		}
		if !m.Started.IsZero() {
			one.StartedAt = timestamppb.New(m.Started)
		}
		res.Members = append(res.Members, one)
	}
	slices.SortFunc(res.Members, func(a, b *pushv1.Member) int {
		return cmp.Or(cmp.Compare(a.GetRole(), b.GetRole()), cmp.Compare(a.GetNode(), b.GetNode()), cmp.Compare(a.GetBoot(), b.GetBoot()))
	})
	up := s.registers()
	for _, addr := range slices.Sorted(maps.Keys(up)) {
		res.Registers = append(res.Registers, &pushv1.Register{Addr: addr, Up: up[addr]})
	}
	return res, nil
}

// The roles that can be drained.
const (
	gatewayRole = "gateway"
	workerRole  = "worker"
)

// How long a gateway may take to shed a share of its conns.
const (
	defaultWindow = 30 * time.Second
	minWindow     = time.Second
	maxWindow     = time.Hour
)

// DrainNode implements pushv1.PushServiceServer.
func (s *service) DrainNode(ctx context.Context, r *pushv1.DrainNodeRequest) (*pushv1.DrainNodeResponse, error) {
	if r.GetRole() != gatewayRole && r.GetRole() != workerRole {
		return nil, fault.New(fault.Invalid, "role: a gateway or a worker can be drained")
	}
	if err := s.there(r.GetRole(), r.GetNode()); err != nil {
		return nil, err
	}
	if r.GetRole() == gatewayRole {
		return &pushv1.DrainNodeResponse{}, s.sender.DrainGateway(ctx, r.GetNode())
	}
	return &pushv1.DrainNodeResponse{}, s.sender.DrainWorker(ctx, r.GetNode())
}

// ShedGateway implements pushv1.PushServiceServer.
func (s *service) ShedGateway(ctx context.Context, r *pushv1.ShedGatewayRequest) (*pushv1.ShedGatewayResponse, error) {
	window := defaultWindow
	if r.GetWindow() != nil {
		window = r.GetWindow().AsDuration()
	}
	switch share := r.GetShare(); {
	case !(share > 0 && share <= 1): // NaN too
		return nil, fault.New(fault.Invalid, "share: above 0 and up to 1 can be shed")
	case window < minWindow || window > maxWindow:
		return nil, fault.New(fault.Invalid, fmt.Sprintf("window: %v to %v", minWindow, maxWindow))
	}
	if err := s.there(gatewayRole, r.GetNode()); err != nil {
		return nil, err
	}
	asked, err := s.sender.ShedGateway(ctx, r.GetNode(), r.GetShare(), window)
	return &pushv1.ShedGatewayResponse{Asked: int32(asked)}, err
}

// there wants a process to be in the cluster.
func (s *service) there(role, node string) error {
	for _, m := range s.members() {
		if m.Role == role && m.ID == node {
			return nil
		}
	}
	return fault.New(fault.NotFound, fmt.Sprintf("no %s is called %.64q", role, node))
}
