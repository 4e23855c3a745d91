package ctl

import (
	"context"
	"encoding/json"
	"slices"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Users lists who has conns, each once, and how many.
func (c *Ctl) Users(ctx context.Context, groups []string, limit int) error {
	t := newTable(c.Width, column{title: "USER"}, column{title: "CONNS", right: true})
	fresh := unseen()
	var away []string
	more, cut, err := pages(limit, func(cursor string, size uint32) (page[string], error) {
		res := &pushv1.ListUsersResponse{}
		err := c.Door.call(ctx, "listUsers", &pushv1.ListUsersRequest{Groups: groups, Limit: size, Cursor: cursor}, res)
		return page[string]{fresh(res.GetUsers()), res.GetCursor(), res.GetLost()}, err
	}, func(users []string) error {
		online := &pushv1.IsOnlineResponse{}
		if len(users) > 0 {
			if err := c.Door.call(ctx, "isOnline", &pushv1.IsOnlineRequest{Users: users}, online); err != nil {
				return err
			}
		}
		away = append(away, online.GetLost()...)
		return c.rows(t, users, func(user string) (any, []string) {
			n := online.GetUsers()[user].GetCount()
			return map[string]any{"user": user, "conns": n}, []string{shown(user), count(n)}
		})
	})
	if err != nil {
		return err
	}
	return c.told(compact(append(more, away...)), cut, limit, "user")
}

// Groups lists the groups that have conns, each once, with their sizes.
func (c *Ctl) Groups(ctx context.Context, limit int) error {
	t := newTable(c.Width, column{title: "GROUP"}, column{title: "USERS", right: true}, column{title: "CONNS", right: true})
	fresh := unseen()
	var away []string
	more, cut, err := pages(limit, func(cursor string, size uint32) (page[string], error) {
		res := &pushv1.ListGroupsResponse{}
		err := c.Door.call(ctx, "listGroups", &pushv1.ListGroupsRequest{Limit: size, Cursor: cursor}, res)
		return page[string]{fresh(res.GetGroups()), res.GetCursor(), res.GetLost()}, err
	}, func(groups []string) error {
		gone, err := c.groupRows(ctx, t, groups)
		away = append(away, gone...)
		return err
	})
	if err != nil {
		return err
	}
	return c.told(compact(append(more, away...)), cut, limit, "group")
}

// groupRows asks how large groups are, and writes it.
func (c *Ctl) groupRows(ctx context.Context, t *table, groups []string) (away []string, err error) {
	sizes := &pushv1.GetGroupSizesResponse{}
	if len(groups) > 0 {
		if err := c.Door.call(ctx, "getGroupSizes", &pushv1.GetGroupSizesRequest{Groups: groups}, sizes); err != nil {
			return nil, err
		}
	}
	return sizes.GetLost(), c.rows(t, groups, func(group string) (any, []string) {
		size := sizes.GetGroups()[group]
		return map[string]any{"group": group, "users": size.GetUsers(), "conns": size.GetConns()},
			[]string{shown(group), count(size.GetUsers()), count(size.GetConns())}
	})
}

// rows writes one row for each name.
func (c *Ctl) rows(t *table, names []string, row func(name string) (object any, cells []string)) error {
	cells := make([][]string, len(names))
	for i, name := range names {
		object, line := row(name)
		cells[i] = line
		if !c.JSON {
			continue
		}
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		if err := c.emitLine(text); err != nil {
			return err
		}
	}
	if c.JSON {
		return nil
	}
	return t.write(c.Out, cells)
}

// unseen leaves out names that were in a list before: those with conns on several
// gateways come again.
func unseen() func([]string) []string {
	seen := map[string]bool{}
	return func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			was := seen[name]
			seen[name] = true
			return was
		})
	}
}

func compact(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
