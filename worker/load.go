package worker

import (
	"context"
	"time"
)

// loadEvery is how often registers are told how busy this process is.
const loadEvery = time.Second

// tellLoad keeps the load that registers tell of this process up to date until ctx ends:
// the conns whose events are being handled, or wait to be, as the links' beats have it. A
// Directory without SetLoad is not for telling.
func (w *Worker) tellLoad(ctx context.Context) {
	directory, ok := w.directory.(interface{ SetLoad(load uint32) })
	if !ok {
		return
	}
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			directory.SetLoad(uint32(w.crew.Working()))
		case <-ctx.Done():
			return
		}
	}
}
