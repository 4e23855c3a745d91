package ctl

import "slices"

// pageSize is how many entries of a list are asked for at once, and listLimit how many
// are shown where nobody said how many.
const (
	pageSize = 500
	// DefaultLimit keeps a screen from running for minutes by mistake.
	DefaultLimit = 1000
)

// page is one page of a list.
type page[T any] struct {
	entries []T
	next    string   // cursor of the next one; "": there is none
	lost    []string // gateways
}

// pages reads a list page by page, shows what comes, and ends it after limit entries; 0:
// at its end. cut says that there was more.
func pages[T any](limit int, fetch func(cursor string, size uint32) (page[T], error), show func([]T) error) (away []string, cut bool, err error) {
	cursor, n := "", 0
	for first := true; first || cursor != ""; first = false {
		size := pageSize
		if limit > 0 {
			size = min(size, limit+1-n) // one more tells whether there are more
		}
		p, err := fetch(cursor, uint32(size))
		if err != nil {
			return away, false, err
		}
		for _, node := range p.lost {
			if !slices.Contains(away, node) {
				away = append(away, node)
			}
		}
		n += len(p.entries)
		if cut = limit > 0 && n > limit; cut {
			p.entries = p.entries[:len(p.entries)-(n-limit)]
		}
		if first || len(p.entries) > 0 { // the titles of an empty list say that it is empty
			if err := show(p.entries); err != nil {
				return away, false, err
			}
		}
		if cut {
			break
		}
		cursor = p.next
	}
	return away, cut, nil
}

// told ends a list: it says that there is more, or who did not answer.
func (c *Ctl) told(away []string, cut bool, limit int, what string) error {
	if cut {
		c.say("%s shown, and there are more: --limit 0 shows all.", plural(limit, what))
	}
	return lost(away)
}
