package linkcodec

import (
	"math/bits"
	"sync"

	"google.golang.org/grpc/mem"
)

// gRPC's own pools zero the whole buffer on every Get, and hand out 1 MiB for
// 33 KiB: for a batch of 40 KiB that costs more than all its records. The two
// pools of this package do neither. Their smallest buffer is above the 1 KiB
// under which gRPC does not count references.
const (
	minClass = 12 // 4 KiB
	maxClass = 23 // 8 MiB; larger ones are left to the garbage collector
)

var (
	_ mem.BufferPool = (*inPool)(nil)
	_ mem.BufferPool = (*outPool)(nil)
)

// inPool has buffers in powers of two, for what arrives: its size is known.
type inPool struct {
	classes [maxClass - minClass + 1]sync.Pool
}

var incoming inPool

// Get returns a buffer of n bytes whose content is whatever was there before.
func (p *inPool) Get(n int) *[]byte {
	class := max(bits.Len(uint(max(n, 1)-1)), minClass)
	if class > maxClass {
		b := make([]byte, n)
		return &b
	}
	if b, ok := p.classes[class-minClass].Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, 1<<class)
	return &b
}

// Put takes a buffer back, also one that has grown since.
func (p *inPool) Put(b *[]byte) {
	class := bits.Len(uint(cap(*b))) - 1
	if class < minClass || class > maxClass {
		return
	}
	p.classes[class-minClass].Put(b)
}

// outPool has buffers of any size, for batches that will grow to a size nobody
// knows: those of busy links have grown already. It keeps none above 1 MiB.
type outPool struct{ buffers sync.Pool }

var outgoing outPool

const maxKept = 1 << 20

// Get returns an empty buffer with room for n bytes at least.
func (p *outPool) Get(n int) *[]byte {
	if b, ok := p.buffers.Get().(*[]byte); ok && cap(*b) >= n {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, max(n, 1<<minClass))
	return &b
}

// Put takes a buffer back.
func (p *outPool) Put(b *[]byte) {
	if c := cap(*b); c >= 1<<minClass && c <= maxKept {
		p.buffers.Put(b)
	}
}
