package local

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Block is a block of ports for a cluster beside which others run: no other Block on
// this machine has one of them until it is released.
type Block struct {
	Ports
	guard net.Listener // on the last port; who else tries the block finds it taken
}

const (
	blockSize   = 192
	blockBottom = 10000
	blockTop    = 30000 // the kernel gives dialling sockets ports from 32768 on
)

// FreePorts takes a block of ports of which no program holds any now. Who got it
// releases it after the cluster has ended.
func FreePorts(host string) (*Block, error) {
	for range 100 {
		base := blockBottom + rand.IntN((blockTop-blockBottom)/blockSize)*blockSize
		if guard := takeBlock(host, base); guard != nil {
			return &Block{guard: guard, Ports: Ports{
				Register: base, RegisterOps: base + 8, Page: base + 16,
				Gateway: base + 17, Link: base + 41, GatewayOps: base + 65, WorkerOps: base + 89,
				Chat: base + 121, API: base + 153, Push: base + 158, NATS: base + 154, APIOps: base + 155, NATSOps: base + 156, BotsOps: base + 157,
			}}, nil
		}
	}
	return nil, fmt.Errorf("no block of %d free ports found between %d and %d", blockSize, blockBottom, blockTop)
}

// takeBlock guards the block that begins at base before it looks at the rest, so that
// of two who try it at the same time one at most gets it. It returns nil if any port
// is taken.
func takeBlock(host string, base int) net.Listener {
	last := base + blockSize - 1
	guard, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(last)))
	if err != nil {
		return nil
	}
	for port := base; port < last; port++ {
		if !isFree(host, port) {
			_ = guard.Close()
			return nil
		}
	}
	return guard
}

// Release lets others have the ports. It may be called more than once.
func (b *Block) Release() { _ = b.guard.Close() }
