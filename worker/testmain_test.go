package worker_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/leaktest"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		worker.Main(worker.Base{}) // ends the process
	}
	leaktest.Main(m)
}

// asProcess is the variable that makes this program a worker.
const asProcess = "WORKER_TEST_AS_PROCESS"

// script is a Handler made of functions; those that are nil do nothing.
type script struct {
	open    func(ctx context.Context, c *worker.Conn) error
	message func(ctx context.Context, c *worker.Conn, m worker.Message) error
	close   func(ctx context.Context, c *worker.Conn, why worker.Close)
}

func (s script) OnOpen(ctx context.Context, c *worker.Conn) error {
	if s.open == nil {
		return nil
	}
	return s.open(ctx, c)
}

func (s script) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	if s.message == nil {
		return nil
	}
	return s.message(ctx, c, m)
}

func (s script) OnClose(ctx context.Context, c *worker.Conn, why worker.Close) {
	if s.close != nil {
		s.close(ctx, c, why)
	}
}

// list collects what handlers saw.
type list[T any] struct {
	mu  sync.Mutex
	all []T
}

func (l *list[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, v)
}

func (l *list[T]) get() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.all...)
}
