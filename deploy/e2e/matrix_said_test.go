package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// said is what a call answered, in the words of the table.
type said struct {
	Value string        // ids by letter, the name of the cell as ~
	Lost  []string      // gateways that it names
	Code  string        // of its error; "": none
	Err   string        // the error, for whoever reads a failure
	After string        // what the same process was told when it asked right after
	Took  time.Duration // without what was asked after
}

func (s said) String() string {
	return fmt.Sprintf("%q, lost %q, error %q (%s), then %q, after %v", s.Value, s.Lost, s.Code, s.Err, s.After, s.Took.Round(time.Millisecond))
}

// lacking is a value that comes with the gateways that are lost.
type lacking struct {
	value any
	lost  []string
}

// say puts a call's answer into words.
func say(c cell, v any, err error) said {
	var s said
	if a, ok := v.(lacking); ok {
		v, s.Lost = a.value, a.lost
	}
	text, lost := inWords(c, v)
	s.Value = strings.ReplaceAll(text, c.Name, "~")
	s.Lost = append(s.Lost, lost...)
	if err != nil {
		s.Code, s.Err = fault.CodeOf(err).String(), err.Error()
	}
	return s
}

func inWords(c cell, v any) (text string, lost []string) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case []string:
		return strings.Join(slices.Sorted(slices.Values(v)), " "), nil
	case []connid.ID:
		return c.named(v), nil
	case worker.Affected:
		return fmt.Sprintf("%d conns", v.Conns), v.Lost
	case worker.Outcome:
		return outcomeInWords(c, v), v.Lost
	case worker.Result:
		return resultInWords(v), v.Lost
	case worker.ConnContext:
		if v.Facts == nil {
			return "nothing", nil
		}
		return fmt.Sprintf("user %s, groups %s, session %s, version %d, path %s", v.User, strings.Join(slices.Sorted(slices.Values(v.Groups)), " "), v.Session, v.SessionVersion, v.Facts.Path), nil
	case worker.Online:
		var list []string
		for user, ids := range v.Conns {
			list = append(list, user+"="+c.named(ids))
		}
		slices.Sort(list)
		return strings.Join(list, " "), v.Lost
	case worker.UserGroups:
		var list []string
		for user, groups := range v.Groups {
			list = append(list, user+"="+strings.Join(slices.Sorted(slices.Values(groups)), "+"))
		}
		slices.Sort(list)
		return strings.Join(list, " "), v.Lost
	case worker.GroupSizes:
		var list []string
		for group, size := range v.Groups {
			list = append(list, fmt.Sprintf("%s=%d/%d", group, size.Conns, size.Users))
		}
		slices.Sort(list)
		return strings.Join(list, " "), v.Lost
	case worker.Crowd:
		return fmt.Sprintf("%d conns of %s", v.Conns, strings.Join(slices.Sorted(slices.Values(v.Users)), " ")), v.Lost
	case worker.Totals:
		var sum worker.Counts
		for _, n := range v.Gateways {
			sum.Conns += n.Conns
			sum.Users += n.Users
			sum.Groups += n.Groups
		}
		switch {
		case sum != v.Counts:
			return fmt.Sprintf("%+v, not summed up", v), v.Lost
		case len(v.Gateways) == 0:
			return "none, summed up", v.Lost
		case len(v.Lost) > 0:
			return "some, summed up", v.Lost
		}
		return "all, summed up", nil
	}
	return fmt.Sprint(v), nil
}

func outcomeInWords(c cell, v worker.Outcome) string {
	text := fmt.Sprintf("done %d", v.Done)
	for _, some := range []struct {
		what string
		ids  []connid.ID
	}{{"stale", v.Stale}, {"failed", slices.Collect(maps.Keys(v.Failed))}, {"unsure", v.Unsure}} {
		if len(some.ids) > 0 {
			text += ", " + some.what + " " + c.named(some.ids)
		}
	}
	return text
}

func resultInWords(v worker.Result) string {
	text := fmt.Sprintf("hit %d", v.Hit)
	if v.Missed > 0 {
		text += fmt.Sprintf(", missed %d", v.Missed)
	}
	if v.Dropped > 0 {
		text += fmt.Sprintf(", dropped %d", v.Dropped)
	}
	if len(v.Offline) > 0 {
		text += ", offline " + strings.Join(v.Offline, " ")
	}
	if v.Duplicate {
		text += ", duplicate"
	}
	return text
}

// drain reads a list to its end.
func drain[T any](l *worker.Listing[T], inWords func(T) string) (any, error) {
	var list []string
	for e := range l.All() {
		if text := inWords(e); text != "" {
			list = append(list, text)
		}
	}
	return lacking{list, l.Lost()}, l.Err()
}

// awaited is a send whose result is the answer.
func awaited(send func(worker.SendOption) error) (any, error) {
	var r worker.Result
	err := send(worker.Await(&r))
	return r, err
}
