package link

import gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"

// maxGroupUsers is how many users of a group a query has named at most.
const maxGroupUsers = 1000

// query reads what is asked for, at once. What does not grow with the gateway is counted,
// not collected; lists come in pages.
func (l *Link) query(w *worker, do *gatewayv1.Query, result *gatewayv1.Result) {
	for _, user := range do.GetUsers() {
		if conns := l.hub.UserConns(user); len(conns) > 0 {
			u := &gatewayv1.UserConns{User: user, Conns: conns}
			if do.GetUserGroups() {
				u.Groups = l.hub.UserGroups(user)
			}
			result.Users = append(result.Users, u)
		}
	}
	for _, group := range do.GetGroups() {
		if n := l.hub.GroupLen(group); n > 0 {
			users := l.hub.GroupUsers(group, int(min(do.GetGroupUsers(), maxGroupUsers)))
			result.Groups = append(result.Groups, &gatewayv1.GroupCount{
				Group: group, Conns: uint32(n), Users: users, DistinctUsers: uint32(l.hub.GroupUserCount(group)),
			})
		}
	}
	if do.GetCounts() {
		result.Counts = &gatewayv1.Counts{
			Conns: uint32(l.hub.Len()), Users: uint32(l.hub.UserCount()), Groups: uint32(l.hub.GroupCount()),
		}
	}
	if do.GetWorkers() {
		result.Workers = l.attachments()
	}
	if do.GetList() != nil {
		l.list(do.GetList(), result)
	}
	if do.GetConn() != nil {
		l.acts(w, do.GetConn(), result, func(c *conn) {
			result.Context = &gatewayv1.ConnContext{
				Facts: c.decodeFacts(), User: c.User(), Groups: c.Groups(),
				Session: c.session, SessionVersion: c.sessionVersion,
			}
		})
	}
}
