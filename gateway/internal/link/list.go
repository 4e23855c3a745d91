package link

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// Bounds of a list. A page has one entry at least, so the largest conn there is, whose
// context fits into a record, passes too.
const (
	maxPageEntries = 1000
	maxPageBytes   = 256 << 10
	maxListGroups  = 1000
)

// list answers with one page. It ends early when the hub has looked at many who are not
// meant: a page may have few entries, or none, and a next one.
func (l *Link) list(do *gatewayv1.List, result *gatewayv1.Result) {
	from, sum, err := l.checkList(do)
	if err != nil {
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = err.Error()
		return
	}
	limit := int(do.GetLimit())
	if limit == 0 {
		limit = maxPageEntries
	}
	page, bytes := &gatewayv1.Page{}, 0
	// fits reports whether one more entry of n bytes belongs to this page.
	fits := func(n int) bool {
		if have := len(page.GetConns()) + len(page.GetNames()); have == limit || have > 0 && bytes+n > maxPageBytes {
			return false
		}
		bytes += n
		return true
	}
	var next cursor
	var more bool
	if do.GetOf() == gatewayv1.Listed_LISTED_CONNS {
		next.place, more = l.hub.ConnPage(do.GetGroups(), from.place, func(h *hub.Conn) bool {
			entry := listed(h.Out().(*conn), do)
			if entry == nil {
				return true
			}
			if !fits(proto.Size(entry) + 4) {
				return false
			}
			page.Conns = append(page.Conns, entry)
			return true
		})
	} else {
		kind := hub.User
		if do.GetOf() == gatewayv1.Listed_LISTED_GROUPS {
			kind = hub.Group
		}
		next.name, more = l.hub.NamePage(kind, do.GetGroups(), from.name, func(name string) bool {
			if !fits(len(name) + 3) {
				return false
			}
			page.Names = append(page.Names, name)
			return true
		})
	}
	if more {
		page.Next = next.encode(do.GetOf(), sum)
	}
	result.Page = page
}

// checkList says what in a list cannot be answered, and where it begins.
func (l *Link) checkList(do *gatewayv1.List) (from cursor, sum uint64, err error) {
	switch of := do.GetOf(); {
	case of < gatewayv1.Listed_LISTED_CONNS || of > gatewayv1.Listed_LISTED_GROUPS:
		return from, 0, fmt.Errorf("a list of %v is not known", of)
	case of == gatewayv1.Listed_LISTED_GROUPS && len(do.GetGroups()) > 0:
		return from, 0, fmt.Errorf("a list of groups is of all of them")
	case len(do.GetGroups()) > maxListGroups:
		return from, 0, fmt.Errorf("a list of %d groups, at most %d are allowed", len(do.GetGroups()), maxListGroups)
	case do.GetLimit() > maxPageEntries:
		return from, 0, fmt.Errorf("a page of %d, at most %d are allowed", do.GetLimit(), maxPageEntries)
	}
	sum = listSum(l.cfg.Identity.Boot, do.GetGroups())
	from, err = decodeCursor(do.GetAfter(), do.GetOf(), sum)
	return from, sum, err
}

// listed is a conn as an entry of a list, nil when it is not open any more.
func listed(c *conn, do *gatewayv1.List) *gatewayv1.ListedConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != open {
		return nil
	}
	entry := &gatewayv1.ListedConn{Conn: c.ID(), Context: &gatewayv1.ConnContext{User: c.User()}}
	if do.GetWithFacts() {
		entry.Context.Facts = c.decodeFacts()
	}
	if do.GetWithGroups() {
		entry.Context.Groups = c.Groups()
	}
	if do.GetWithSession() {
		entry.Context.Session, entry.Context.SessionVersion = c.session, c.sessionVersion
	}
	return entry
}
