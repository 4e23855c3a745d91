package link

import (
	"slices"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// needOfSend returns the feature that a gateway must have to be given s, "" for none.
func needOfSend(s *record.Send) string {
	if len(s.ExceptUsers) > 0 {
		return record.FeatureExceptUsers
	}
	return ""
}

// needOfCommand is the same of a command.
func needOfCommand(c *gatewayv1.Command) string {
	if c.GetSession().GetWrite().GetMerge() {
		return record.FeatureMergeSession
	}
	return ""
}

// Can reports whether the gateway is known to have a feature.
func (g *Gateway) Can(feature string) bool {
	g.log.mu.Lock()
	defer g.log.mu.Unlock()
	return g.log.met && !g.log.lacks(feature)
}

// lacks reports whether the gateway is known to be without a feature. Before the first
// stream nothing is known: what needs one is queued, and looked at again in attach. mu
// is held.
func (l *outlog) lacks(feature string) bool {
	return feature != "" && l.met && !slices.Contains(l.features, feature)
}

// unable answers number n, which the gateway is too old for, and returns the record that
// goes in its place: one that does nothing, so that the number is applied all the same. mu
// is held.
func (l *outlog) unable(n uint64) []byte {
	if w, ok := l.waiting[n]; ok {
		delete(l.waiting, n)
		w.to.replies <- Reply{From: l.owner, Err: ErrUnable}
	}
	return nothing(n)
}

// nothing is a command that asks for nothing.
func nothing(n uint64) []byte {
	body, err := proto.Marshal(&gatewayv1.Command{Do: &gatewayv1.Command_Query{Query: &gatewayv1.Query{}}})
	if err == nil {
		body, err = record.AppendCommand(nil, record.Command{N: n, Body: body})
	}
	if err != nil {
		panic("link: " + err.Error()) // of a constant
	}
	return body
}
