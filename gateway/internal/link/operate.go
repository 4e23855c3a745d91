package link

import (
	"fmt"
	"slices"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// MaxShedWindow is the longest time over which a share of the conns is asked to move.
const MaxShedWindow = time.Hour

// shed asks a share of the conns to go elsewhere.
func (l *Link) shed(do *gatewayv1.Shed, result *gatewayv1.Result) {
	share, window := do.GetShare(), time.Duration(do.GetWindowMs())*time.Millisecond
	switch {
	case l.cfg.OnShed == nil:
		result.Status = gatewayv1.Status_STATUS_UNIMPLEMENTED
	case !(share > 0 && share <= 1): // NaN is neither
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = fmt.Sprintf("a share is above 0 and at most 1, not %v", share)
	case window > MaxShedWindow:
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = fmt.Sprintf("a window is at most %v, not %v", MaxShedWindow, window)
	default:
		asked, err := l.cfg.OnShed(share, window)
		if err != nil {
			result.Status = gatewayv1.Status_STATUS_CONFLICT
			result.Message = err.Error()
			return
		}
		result.Affected = uint32(asked)
	}
}

// drainWorker tells an attached worker that it is to drain. Whether it does, and when, is
// its own business: a worker that has begun to hears it once more and goes on.
func (l *Link) drainWorker(do *gatewayv1.DrainWorker, result *gatewayv1.Result) {
	for _, w := range l.attached() {
		if w.peer.Boot != do.GetBoot() || w.session.redialled(w) {
			continue // of a stream that another has replaced nobody reads
		}
		if !slices.Contains(w.peer.Features, record.FeatureDrain) {
			result.Status = gatewayv1.Status_STATUS_UNIMPLEMENTED
			result.Message = fmt.Sprintf("%s %s cannot be asked to drain", w.peer.Role, w.peer.Node)
			return
		}
		if !w.out.add(record.AppendDrain) {
			continue // it is being given up
		}
		l.log.Info("a worker is asked to drain", "peer", w.peer.Node)
		result.Affected = 1
		return
	}
	result.Status = gatewayv1.Status_STATUS_STALE
	result.Message = "no worker of that boot is attached"
}

// attachments says who is attached.
func (l *Link) attachments() *gatewayv1.AttachedWorkers {
	workers := l.attached()
	a := &gatewayv1.AttachedWorkers{List: make([]*gatewayv1.AttachedWorker, 0, len(workers))}
	for _, w := range workers {
		a.List = append(a.List, &gatewayv1.AttachedWorker{
			Node: w.peer.Node, Boot: w.peer.Boot, Role: w.peer.Role, Build: w.peer.Build,
			ServesEvents: w.attach.GetServesEvents(), Draining: w.draining.Load(),
			Conns: uint32(w.owned.Load()), Load: uint32(w.load.Load()),
		})
	}
	return a
}
