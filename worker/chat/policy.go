package chat

import "github.com/parley-im/parley/proto/fault"

// Op is something that needs a right in a conversation.
type Op int8

// The ops.
const (
	OpRead       Op = iota // see its messages, changes and members
	OpSend                 // write into it
	OpEditOwn              // replace the text of one's own message
	OpRecallOwn            // take back one's own message
	OpRecallAny            // take back somebody else's
	OpAddMembers           // bring others in
	OpLeave                // go
	OpJoin                 // come in by oneself
	OpMarkRead             // have a read mark
	OpType                 // tell others that one types
	OpSeeLooking           // be told who looks at it now
	ops
)

var opNames = [ops]string{"read", "send", "edit own", "recall own", "recall any", "add members", "leave", "join", "mark read", "type", "see who looks"}

// String returns the op's name.
func (o Op) String() string { return opNames[o] }

// rights is the matrix: op × type, and who may. docs/architecture.md shows it as a
// table, which a test compares with this one.
var rights = [ops]map[Type][]Role{
	OpRead:       {Direct: {Member, Owner}, Group: {Member, Owner}, Room: {Stranger, Member, Owner}},
	OpSend:       {Direct: {Member, Owner}, Group: {Member, Owner}, Room: {Member, Owner}},
	OpEditOwn:    {Direct: {Member, Owner}, Group: {Member, Owner}, Room: {Member, Owner}},
	OpRecallOwn:  {Direct: {Member, Owner}, Group: {Member, Owner}, Room: {Member, Owner}},
	OpRecallAny:  {Group: {Owner}, Room: {Owner}},
	OpAddMembers: {Group: {Member, Owner}},
	OpLeave:      {Group: {Member, Owner}, Room: {Member, Owner}},
	OpJoin:       {Room: {Stranger, Member, Owner}},
	OpMarkRead:   {Direct: {Member, Owner}, Group: {Member, Owner}, Room: {Member, Owner}},
	OpType:       {Direct: {Member, Owner}, Group: {Member, Owner}},
	OpSeeLooking: {Room: {Stranger, Member, Owner}},
}

// May reports whether a role may do op in a conversation of a type.
func May(op Op, r Role, t Type) bool {
	for _, have := range rights[op][t] {
		if have == r {
			return true
		}
	}
	return false
}

// Allow is May with the error a client gets. A conversation that somebody may not
// even read is not there for them, so that ids tell nothing.
func Allow(op Op, r Role, t Type) error {
	switch {
	case May(op, r, t):
		return nil
	case !May(OpRead, r, t):
		return ErrNoConversation
	}
	return fault.New(fault.Forbidden, "not allowed here: "+op.String())
}

// ErrNoConversation answers what is not there, and what is not there for the caller.
var ErrNoConversation = fault.New(fault.NotFound, "no such conversation")
