package link_test

import (
	"fmt"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/parley-im/parley/proto/record"
)

// A gateway that drains may end the moment it has said so: nobody may have been there.
// Its workers hear both, that it leaves and that it has ended; while no register is there
// to tell, one that did not hear it would take it for lost and wait.
func TestGatewayThatLeavesIsHeardByAllBeforeItEnds(t *testing.T) {
	r := newRig(t)
	var workers []*worker
	for i := range 50 {
		workers = append(workers, r.attach(script{node: fmt.Sprint(i)}))
	}
	r.link.Leave()
	r.end()
	for i, w := range workers {
		<-w.over
		w.mu.Lock()
		if !slices.Contains(w.kinds, record.KindLeaving) {
			t.Errorf("worker %d did not hear that the gateway leaves", i)
		}
		if s, ok := status.FromError(w.err); !ok || w.err == io.EOF || s.Code() != codes.Unavailable || s.Message() != "the gateway ends" {
			t.Errorf("worker %d was told %v", i, w.err)
		}
		w.mu.Unlock()
	}
}
