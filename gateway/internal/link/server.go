package link

import (
	"crypto/tls"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register/handshake"
)

const (
	maxStreams     = 8        // of one connection: a worker has one, and a next one while that ends
	maxHeaderBytes = 16 << 10 // of a stream; gRPC would take 16 MiB of anybody
	idleAfter      = time.Minute
	probeEvery     = 10 * time.Second // a connection without a sign of life; links have their own patience
)

// NewServer makes the gRPC server of the link; nil: no TLS. Serve it with what
// Guard returns.
func (l *Link) NewServer(t *tls.Config) *grpc.Server {
	s := grpc.NewServer(
		grpc.Creds(handshake.Credentials(t)),
		grpc.ForceServerCodecV2(linkcodec.Codec{}),
		grpc.MaxRecvMsgSize(record.MaxBatch+64<<10),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		// Windows of 4 MiB and buffers of 128 KiB: 5 to 20 % less CPU, by batch size.
		// Strangers do not get to fill them: see stranger.
		grpc.StaticStreamWindowSize(4<<20), grpc.StaticConnWindowSize(4<<20),
		grpc.ReadBufferSize(128<<10), grpc.WriteBufferSize(128<<10),
		grpc.ConnectionTimeout(attachTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleAfter, Time: probeEvery, Timeout: probeEvery}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	s.RegisterService(&Desc, l)
	return s
}

// Stop ends s, of NewServer, after Run has returned. Its connections close when what was
// said last, that the streams have ended and why, has left; whoever does not read is cut
// off after LastWords.
func (l *Link) Stop(s *grpc.Server) {
	cut := time.AfterFunc(l.cfg.LastWords, s.Stop)
	defer cut.Stop()
	s.GracefulStop()
}
