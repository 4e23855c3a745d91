package link

import (
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// maxOffline bounds the users that a result names, and maxOfflineBytes their
// names, so that they fit into a record; beyond, missed only counts.
const (
	maxOffline      = 1000
	maxOfflineBytes = record.MaxBody / 2
)

// send puts one frame into the queues of all its recipients here. The bytes are
// encoded once and shared.
func (l *Link) send(w *worker, s record.SendView) {
	if !w.session.first(s.N) {
		l.stats.RepeatedCommands.Add(1)
		return
	}
	f, err := l.frameOf(s)
	if err != nil {
		l.stats.BadFrames.Add(1)
		if s.WantResult {
			w.session.answer(s.N, &gatewayv1.Result{Status: gatewayv1.Status_STATUS_INVALID, Message: err.Error()})
		}
		return
	}
	if !s.Once.IsZero() && !l.once.first(s.Once) {
		l.stats.RepeatedSends.Add(1)
		if s.WantResult {
			w.session.answer(s.N, &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK, Duplicate: true})
		}
		return
	}
	l.stats.Sends.Add(1)
	var result *gatewayv1.Result
	if s.WantResult {
		result = &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK}
	}
	tally := l.fanOut(w, s, f, result)
	l.stats.Deliveries.Add(int64(tally.Hit))
	if tally.Hit == 0 && !s.Once.IsZero() {
		l.once.forget(s.Once) // who comes later has not had it
	}
	if result == nil {
		return
	}
	result.Hit, result.Missed, result.Dropped = uint32(tally.Hit), uint32(tally.Missed), uint32(tally.Dropped)
	w.session.answer(s.N, result)
}

// fanOut hands f to the hub. result, unless it is nil, gets the users that have
// no conn here.
func (l *Link) fanOut(w *worker, s record.SendView, f *frame.Frame, result *gatewayv1.Result) hub.Tally {
	w.exclude = s.Exclude.AppendTo(w.exclude[:0])
	// A user that is excluded is the conns that it has now: looking once costs less than
	// asking each recipient who it is.
	for user := range s.ExceptUsers.All() {
		w.exclude = l.hub.AppendUserConns(w.exclude, user)
	}
	switch s.Target {
	case record.ToConns:
		if s.Conns.Len() == 1 && len(w.exclude) == 0 {
			return l.hub.SendConn(s.Conns.At(0), f)
		}
		w.targets = without(s.Conns.AppendTo(w.targets[:0]), w.exclude)
		return l.hub.SendConns(w.targets, f, nil)
	case record.ToUsers:
		w.names = s.Names
		return l.hub.SendUsers(&w.names, f, w.exclude, offline(result))
	case record.ToGroups:
		w.names = s.Names
		return l.hub.SendGroups(&w.names, f, w.exclude, nil)
	default:
		return l.hub.SendAll(f, w.exclude)
	}
}

// without removes the excluded from targets. It sorts exclude.
func without(targets, exclude []uint64) []uint64 {
	if len(exclude) == 0 {
		return targets
	}
	slices.Sort(exclude)
	return slices.DeleteFunc(targets, func(id uint64) bool {
		_, found := slices.BinarySearch(exclude, id)
		return found
	})
}

// offline notes the users that are missed in result, if that is wanted. A name that
// is no UTF-8 cannot stand there, and nobody can be bound to it: it is only counted.
func offline(result *gatewayv1.Result) func(user []byte) {
	if result == nil {
		return nil
	}
	room := maxOfflineBytes
	return func(user []byte) {
		if len(result.Offline) < maxOffline && len(user) <= room && utf8.Valid(user) {
			room -= len(user)
			result.Offline = append(result.Offline, string(user))
		}
	}
}

var errBodies = errors.New("want one body without subprotocol, and at most one with")

// frameOf encodes the bodies of a send: the one for everybody, and the one for
// conns of another subprotocol.
func (l *Link) frameOf(s record.SendView) (*frame.Frame, error) {
	var main, other record.BodyView
	var mains, others int
	for b := range s.Bodies.All() {
		if len(b.Subprotocol) == 0 {
			main = b
			mains++
		} else {
			other = b
			others++
		}
	}
	if mains != 1 || others > 1 {
		return nil, errBodies
	}
	f, err := l.frames(op(main.Binary), main.Payload, classOf(s.Class), string(s.Key))
	if err != nil || others == 0 {
		return f, err
	}
	return f, f.AddBody(string(other.Subprotocol), op(other.Binary), other.Payload)
}

func classOf(c record.Class) frame.Class {
	switch c {
	case record.Droppable:
		return frame.Droppable
	case record.Merge:
		return frame.Merge
	default:
		return frame.Must
	}
}
