package store

import (
	"cmp"
	"slices"
	"sync"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// roster is who is in a conversation, as of one version: conversation.Roster rises
// with every change of it. It is shared and never changed.
type roster struct {
	version int64
	users   []chat.UserID // in order of id
	seats   []seat        // of users, by the same index
}

// seat is what a roster knows of one who is in it.
type seat struct {
	role chat.Role
	from int64 // the first message the user may see
}

// role returns what a user is, Stranger who is not in it.
func (r *roster) role(user chat.UserID) chat.Role {
	if i, ok := slices.BinarySearch(r.users, user); ok {
		return r.seats[i].role
	}
	return chat.Stranger
}

// who returns the users that may see a message. The slice is shared.
func (r *roster) who(seq int64) []chat.UserID {
	late := slices.ContainsFunc(r.seats, func(s seat) bool { return s.from > seq })
	if !late {
		return r.users
	}
	users := make([]chat.UserID, 0, len(r.users))
	for i, u := range r.users {
		if r.seats[i].from <= seq {
			users = append(users, u)
		}
	}
	return users
}

// maxSeats bounds what the rosters in memory hold together: about 80 bytes each.
const maxSeats = 1 << 18

// rosters remembers the rosters of conversations that are sent to by the ids of their
// members. They are exact, not merely fresh: whoever asks names the version that it
// read in the conversation's row, and a roster of another version is not returned.
//
// Under the row's lock the version is that of the commit. Without the lock a roster
// may be read after the version it is filed under, and be newer. Nobody is misled:
// who changes a roster holds the lock until the version has risen, so whoever asks
// for the old version by then has not locked the row either.
type rosters struct {
	mu    sync.Mutex // guards what follows; a leaf
	known map[string]*roster
	seats int
}

func newRosters() *rosters { return &rosters{known: make(map[string]*roster)} }

func (rs *rosters) get(conversation string, version int64) *roster {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.known[conversation]; r != nil && r.version == version {
		return r
	}
	return nil
}

// put remembers a roster. When there are too many seats, rosters chosen by the map's
// chance go: they cost one more row of a statement that runs anyway.
func (rs *rosters) put(conversation string, r *roster) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if old := rs.known[conversation]; old != nil {
		rs.seats -= len(old.users)
	}
	rs.known[conversation] = r
	rs.seats += len(r.users)
	for id, old := range rs.known {
		if rs.seats <= maxSeats || len(rs.known) == 1 {
			break
		}
		if id != conversation {
			rs.seats -= len(old.users)
			delete(rs.known, id)
		}
	}
}

// byIDs reports whether what is sent in c goes to its members by their ids.
func (c *conversation) byIDs() bool { return c.width() != chat.Wide }

// width is how c finds its recipients. A room is wide from the start.
func (c *conversation) width() chat.Width {
	if chat.Type(c.Type) == chat.Room {
		return chat.Wide
	}
	return chat.Width(c.Width)
}

// of returns the rosters of those conversations that are not wide, from memory or by
// one statement.
func (rs *rosters) of(tx *gorm.DB, conversations []*conversation) (map[string]*roster, error) {
	found := make(map[string]*roster, len(conversations))
	var missing []string
	for _, c := range conversations {
		if !c.byIDs() {
			continue
		}
		r := rs.get(c.ID, c.Roster)
		if r == nil {
			r = &roster{version: c.Roster}
			missing = append(missing, c.ID)
		}
		found[c.ID] = r
	}
	if len(missing) == 0 {
		return found, nil
	}
	var rows []member
	err := tx.Select("conversation_id", "user_id", "role", "from_seq").
		Where(oneOf("conversation_id", missing)).Where("role > 0").Find(&rows).Error
	if err != nil {
		return nil, err
	}
	// Sorted here: databases and Go need not agree on what the order of ids is.
	slices.SortFunc(rows, func(a, b member) int { return cmp.Compare(a.UserID, b.UserID) })
	for i := range rows {
		r := found[rows[i].ConversationID]
		r.users = append(r.users, chat.UserID(rows[i].UserID))
		r.seats = append(r.seats, seat{role: chat.Role(rows[i].Role), from: rows[i].FromSeq})
	}
	for _, id := range missing {
		rs.put(id, found[id])
	}
	return found, nil
}
