package register

import (
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

// joinSteps and watchSteps carry a handshake over the two kinds of stream.
type joinSteps struct {
	s registerv1.RegisterService_JoinClient
}

func (j joinSteps) Send(h *nodev1.Handshake) error {
	return j.s.Send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Handshake{Handshake: h}})
}

func (j joinSteps) Recv() (*nodev1.Handshake, error) {
	m, err := j.s.Recv()
	return m.GetHandshake(), err
}

type watchSteps struct {
	s registerv1.RegisterService_WatchClient
}

func (w watchSteps) Send(h *nodev1.Handshake) error {
	return w.s.Send(&registerv1.WatchRequest{Kind: &registerv1.WatchRequest_Handshake{Handshake: h}})
}

func (w watchSteps) Recv() (*nodev1.Handshake, error) {
	m, err := w.s.Recv()
	return m.GetHandshake(), err
}
