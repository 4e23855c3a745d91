package presence

import (
	"slices"

	"github.com/parley-im/parley/worker/chat"
)

// audience is who is told of a user. The zero audience is nobody.
type audience struct {
	all  bool          // everybody whom it concerns: the store knows them
	some []chat.UserID // otherwise these; at most few
}

// few bounds those who are told by name. Of more it costs less to ask the store for all
// than to remember them.
const few = 16

var everybody = audience{all: true}

func (a audience) empty() bool { return !a.all && len(a.some) == 0 }

// with returns who is in either. Neither changes, nor shares memory with it.
func (a audience) with(b audience) audience {
	if a.all || b.all {
		return everybody
	}
	some := slices.Clone(a.some)
	for _, u := range b.some {
		if !slices.Contains(some, u) {
			some = append(some, u)
		}
	}
	if len(some) > few {
		return everybody
	}
	return audience{some: some}
}
