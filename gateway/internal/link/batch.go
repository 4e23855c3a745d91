package link

import (
	"fmt"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// maxBatch is how many commands a batch has at most: about as much work in one go as a
// send to as many targets, and an answer that fits into a record.
const maxBatch = 1000

// batch carries out commands one after the other and answers each for itself. It returns
// the number of the last delta that one of them has to wait for, so that the answer, which
// is one, comes when no worker can miss any of their routes.
func (l *Link) batch(w *worker, do *gatewayv1.Batch, result *gatewayv1.Result) (mark uint64) {
	commands := do.GetCommands()
	if len(commands) == 0 || len(commands) > maxBatch {
		result.Status = gatewayv1.Status_STATUS_INVALID
		result.Message = fmt.Sprintf("a batch has 1 to %d commands, not %d", maxBatch, len(commands))
		return 0
	}
	result.Results = make([]*gatewayv1.Result, len(commands))
	for i, cmd := range commands {
		r := &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK}
		result.Results[i] = r
		switch cmd.GetDo().(type) {
		case *gatewayv1.Command_Batch, *gatewayv1.Command_Query, *gatewayv1.Command_Drain, *gatewayv1.Command_Shed, *gatewayv1.Command_DrainWorker:
			r.Status = gatewayv1.Status_STATUS_INVALID
			r.Message = "a batch holds no batch, no query, and nothing that is not about conns"
		default:
			mark = max(mark, l.do(w, cmd, r))
		}
	}
	return mark
}
