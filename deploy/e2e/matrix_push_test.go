package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// calling is one call of PushService, over HTTP or gRPC.
type calling func(ctx context.Context, rpc string, req, res proto.Message) error

// texts are the ids of conns as a backend has them.
func texts(ids ...connid.ID) (list []string) {
	for _, id := range ids {
		list = append(list, id.String())
	}
	return list
}

// shown are conns by their letters.
func (c cell) shown(list []string) string {
	var ids []connid.ID
	for _, text := range list {
		id, _ := connid.Parse(text)
		ids = append(ids, id)
	}
	return c.named(ids)
}

func sent(r *pushv1.SendResponse, err error) (any, error) {
	text := fmt.Sprintf("hit %d", r.GetHit())
	if r.GetDuplicate() {
		text += ", duplicate"
	}
	return lacking{text, r.GetLost()}, err
}

func (c cell) did(o *pushv1.Outcome, err error) (any, error) {
	text := fmt.Sprintf("done %d", o.GetDone())
	if len(o.GetStale())+len(o.GetFailed()) > 0 {
		text = fmt.Sprint(o)
	}
	if len(o.GetUnsure()) > 0 {
		text += ", unsure " + c.shown(o.GetUnsure())
	}
	return lacking{text, o.GetLost()}, err
}

// pushes are the rows of PushService. A gateway that is named in an answer is no error, but
// where the call is about one conn.
var pushes = []*row{
	{
		calls: "PushService.Send", one: true, names: true, soft: true, well: "hit 1", part: "hit 0", hears: "D",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SendResponse
			err := call(ctx, "Send", &pushv1.SendRequest{Conns: texts(c.d()), Kind: &pushv1.SendRequest_Text{Text: c.frame()}}, &r)
			return sent(&r, err)
		},
	}, {
		calls: "PushService.Send", how: "to users", own: true, names: true, soft: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SendResponse
			err := call(ctx, "Send", &pushv1.SendRequest{Users: c.owns(), Once: c.Name, Kind: &pushv1.SendRequest_Text{Text: c.frame()}}, &r)
			return sent(&r, err)
		},
	}, {
		calls: "PushService.Send", how: "to groups that overlap", names: true, soft: true, well: "hit 3", part: "hit 2", none: "hit 0", hears: "BCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SendResponse
			err := call(ctx, "Send", &pushv1.SendRequest{Groups: []string{c.Name, c.pair()}, ExceptConns: texts(c.IDs[0]), Kind: &pushv1.SendRequest_Text{Text: c.frame()}}, &r)
			return sent(&r, err)
		},
	}, {
		calls: "PushService.Send", how: "and forget", quick: true, well: "hit 0", hears: "ABCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SendResponse
			err := call(ctx, "Send", &pushv1.SendRequest{Groups: []string{c.Name}, Forget: true, Kind: &pushv1.SendRequest_Text{Text: c.frame()}}, &r)
			return sent(&r, err)
		},
	}, {
		calls: "PushService.Send", how: "to all, and forget", quick: true, blast: true, well: "hit 0", hears: "ABCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SendResponse
			err := call(ctx, "Send", &pushv1.SendRequest{All: true, Forget: true, Kind: &pushv1.SendRequest_Text{Text: c.toAll()}}, &r)
			return sent(&r, err)
		},
	}, {
		calls: "PushService.Bind", ids: true, names: true, soft: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", later: true, after: userOf, is: "~.new",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var list []*pushv1.Binding
			for _, id := range texts(c.IDs[:]...) {
				list = append(list, &pushv1.Binding{Conn: id, User: fresh(c)})
			}
			var r pushv1.BindResponse
			err := call(ctx, "Bind", &pushv1.BindRequest{Bindings: list}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Bind PushService.IsOnline", how: "one after the other", calm: true, ids: true, well: "ABCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var list []*pushv1.Binding
			for _, id := range texts(c.IDs[:]...) {
				list = append(list, &pushv1.Binding{Conn: id, User: fresh(c)})
			}
			if err := call(ctx, "Bind", &pushv1.BindRequest{Bindings: list}, &pushv1.BindResponse{}); err != nil {
				return nil, err
			}
			var r pushv1.IsOnlineResponse
			err := call(ctx, "IsOnline", &pushv1.IsOnlineRequest{Users: []string{fresh(c)}}, &r)
			return c.shown(r.GetUsers()[fresh(c)].GetConns()), err
		},
	}, {
		calls: "PushService.Unbind", ids: true, names: true, soft: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", later: true, after: userOf,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var list []*pushv1.Binding
			for _, id := range texts(c.IDs[:]...) {
				list = append(list, &pushv1.Binding{Conn: id})
			}
			var r pushv1.UnbindResponse
			err := call(ctx, "Unbind", &pushv1.UnbindRequest{Bindings: list}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Join", names: true, soft: true, well: "done 4", part: "done 3", none: "done 0", later: true, after: size(fresh), is: "4",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.JoinResponse
			err := call(ctx, "Join", &pushv1.JoinRequest{Users: []string{c.Name}, Groups: []string{fresh(c)}}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Leave", ids: true, names: true, soft: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", later: true, after: size(cell.pair), is: "0",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.LeaveResponse
			err := call(ctx, "Leave", &pushv1.LeaveRequest{Conns: texts(c.IDs[:]...), Groups: []string{c.pair()}}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.DissolveGroup", names: true, soft: true, well: "done 2", part: "done 1", none: "done 0", later: true, after: size(cell.pair), is: "0",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.DissolveGroupResponse
			err := call(ctx, "DissolveGroup", &pushv1.DissolveGroupRequest{Group: c.pair()}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Close", names: true, soft: true, well: "done 4", part: "done 3", none: "done 0", hears: "ABCD", ends: "ABCD", code: kicked,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.CloseResponse
			last := &pushv1.Frame{Kind: &pushv1.Frame_Text{Text: c.frame()}}
			err := call(ctx, "Close", &pushv1.CloseRequest{Users: []string{c.Name}, Code: uint32(fault.CloseKicked), Reason: "out", Last: last}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Close", how: "now", ids: true, names: true, soft: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", ends: "ABCD",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.CloseResponse
			err := call(ctx, "Close", &pushv1.CloseRequest{Conns: texts(c.IDs[:]...), Now: true}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.Confirm", one: true, ids: true, names: true, soft: true, probation: true, well: "done 1", part: "done 0, unsure D",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.ConfirmResponse
			err := call(ctx, "Confirm", &pushv1.ConfirmRequest{Conns: texts(c.d())}, &r)
			return c.did(r.GetOutcome(), err)
		},
	}, {
		calls: "PushService.SetSession", one: true, sure: true, well: "2", part: "0", later: true, after: sessionOf, is: "~ in version 2",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.SetSessionResponse
			req := &pushv1.SetSessionRequest{Conn: c.d().String(), Kind: &pushv1.SetSessionRequest_Text{Text: c.Name}, IfVersion: proto.Uint64(1)}
			err := call(ctx, "SetSession", req, &r)
			return r.GetVersion(), err
		},
	}, {
		calls: "PushService.MergeSession", one: true, sure: true, well: "2", part: "0", later: true, after: sessionOf, is: `{"n":1,"m":2} in version 2`,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.MergeSessionResponse
			err := call(ctx, "MergeSession", &pushv1.MergeSessionRequest{Conn: c.d().String(), Patch: `{"m":2}`}, &r)
			return r.GetVersion(), err
		},
	}, {
		calls: "PushService.DeleteSessionKeys", one: true, sure: true, well: "2", part: "0", later: true, after: sessionOf, is: `{} in version 2`,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.DeleteSessionKeysResponse
			err := call(ctx, "DeleteSessionKeys", &pushv1.DeleteSessionKeysRequest{Conn: c.d().String(), Keys: []string{"n"}}, &r)
			return r.GetVersion(), err
		},
	}, {
		calls: "PushService.GetSession", reads: true, one: true, sure: true, well: `{"n":1} in version 1`, part: " in version 0",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.GetSessionResponse
			err := call(ctx, "GetSession", &pushv1.GetSessionRequest{Conn: c.d().String()}, &r)
			return fmt.Sprintf("%s in version %d", r.GetSession().GetText(), r.GetSession().GetVersion()), err
		},
	}, {
		calls: "PushService.IsOnline", reads: true, own: true, names: true, soft: true, well: "~.A=A ~.B=B ~.C=C ~.D=D, D, unsure ", part: "~.A=A ~.B=B ~.C=C, , unsure D", none: ", , unsure D",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.IsOnlineResponse
			err := call(ctx, "IsOnline", &pushv1.IsOnlineRequest{Users: c.owns(), Conns: texts(c.d())}, &r)
			var list []string
			for _, user := range slices.Sorted(maps.Keys(r.GetUsers())) {
				list = append(list, user+"="+c.shown(r.GetUsers()[user].GetConns()))
			}
			return lacking{fmt.Sprintf("%s, %s, unsure %s", strings.Join(list, " "), c.shown(r.GetConns()), c.shown(r.GetUnsure())), r.GetLost()}, err
		},
	}, {
		calls: "PushService.GetConn", reads: true, one: true, sure: true, well: `~ in ~ ~.bd, {"n":1}`, part: " in , ",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.GetConnResponse
			err := call(ctx, "GetConn", &pushv1.GetConnRequest{Conn: c.d().String()}, &r)
			groups := slices.Sorted(slices.Values(r.GetConn().GetGroups()))
			return fmt.Sprintf("%s in %s, %s", r.GetConn().GetUser(), strings.Join(groups, " "), r.GetConn().GetSession().GetText()), err
		},
	}, {
		calls: "PushService.GetUserGroups", reads: true, own: true, names: true, soft: true, well: "1 2", part: "1 0", none: "0 0",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.GetUserGroupsResponse
			err := call(ctx, "GetUserGroups", &pushv1.GetUserGroupsRequest{Users: []string{c.own('A'), c.own('D')}}, &r)
			return lacking{fmt.Sprint(len(r.GetUsers()[c.own('A')].GetGroups()), len(r.GetUsers()[c.own('D')].GetGroups())), r.GetLost()}, err
		},
	}, {
		calls: "PushService.GetGroupSizes", reads: true, own: true, names: true, soft: true, well: "4 of 4", part: "3 of 3", none: "0 of 0",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.GetGroupSizesResponse
			err := call(ctx, "GetGroupSizes", &pushv1.GetGroupSizesRequest{Groups: []string{c.Name}}, &r)
			n := r.GetGroups()[c.Name]
			return lacking{fmt.Sprintf("%d of %d", n.GetConns(), n.GetUsers()), r.GetLost()}, err
		},
	}, {
		calls: "PushService.GetTotals", reads: true, everyone: true, names: true, soft: true, well: "some", part: "some", none: "none",
		push: func(ctx context.Context, call calling, _ cell) (any, error) {
			var r pushv1.GetTotalsResponse
			err := call(ctx, "GetTotals", &pushv1.GetTotalsRequest{}, &r)
			if r.GetTotal().GetConns() > 0 {
				return lacking{"some", r.GetLost()}, err
			}
			return lacking{"none", r.GetLost()}, err
		},
	}, {
		calls: "PushService.ListConns", reads: true, own: true, everyone: true, names: true, soft: true, well: "ABCD", part: "ABC", none: nothing,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.ListConnsResponse
			err := call(ctx, "ListConns", &pushv1.ListConnsRequest{Groups: []string{c.Name}}, &r)
			var list []string
			for _, conn := range r.GetConns() {
				list = append(list, conn.GetId())
			}
			return lacking{c.shown(list), r.GetLost()}, err
		},
	}, {
		calls: "PushService.ListUsers", reads: true, own: true, everyone: true, names: true, soft: true, well: "~.A ~.B ~.C ~.D", part: "~.A ~.B ~.C", none: nothing,
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.ListUsersResponse
			err := call(ctx, "ListUsers", &pushv1.ListUsersRequest{Groups: []string{c.Name}}, &r)
			return lacking{slices.Clone(r.GetUsers()), r.GetLost()}, err
		},
	}, {
		calls: "PushService.ListGroups", reads: true, everyone: true, names: true, soft: true, well: "true", part: "true", none: "false",
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.ListGroupsResponse
			err := call(ctx, "ListGroups", &pushv1.ListGroupsRequest{Limit: 1000}, &r)
			return lacking{slices.Contains(r.GetGroups(), c.Name), r.GetLost()}, err
		},
	}, {
		calls: "PushService.ListMembers", reads: true, quick: true, well: "true",
		push: func(ctx context.Context, call calling, _ cell) (any, error) {
			var r pushv1.ListMembersResponse
			err := call(ctx, "ListMembers", &pushv1.ListMembersRequest{}, &r)
			return slices.ContainsFunc(r.GetMembers(), func(m *pushv1.Member) bool { return m.GetNode() == "gateway-1" }), err
		},
	}, {
		calls: "PushService.ShedGateway", ending: true, one: true, sure: true, well: "true", part: "false", ends: "D", code: int(fault.CloseRestart),
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			var r pushv1.ShedGatewayResponse
			err := call(ctx, "ShedGateway", &pushv1.ShedGatewayRequest{Node: c.Node, Share: 1, Window: durationpb.New(time.Second)}, &r)
			return r.GetAsked() > 0, err
		},
	}, {
		calls: "PushService.DrainNode", ending: true, one: true, sure: true, ends: "D", code: int(fault.CloseRestart),
		push: func(ctx context.Context, call calling, c cell) (any, error) {
			return nil, call(ctx, "DrainNode", &pushv1.DrainNodeRequest{Role: "gateway", Node: c.Node}, &pushv1.DrainNodeResponse{})
		},
	},
}
