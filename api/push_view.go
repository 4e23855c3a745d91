package api

import (
	"slices"

	"github.com/parley-im/parley/register"
	sdk "github.com/parley-im/parley/worker"
)

// sinceJoin is the directory of the worker that sends for backends. Its view of the gateways
// has to begin after this process has joined: of it and a gateway that opens its doors
// at the same time, one then sees the other. What this process watched before, for the
// list of gateways, may lag behind that moment. Views of one role are one, so this is a
// view of all roles.
type sinceJoin struct{ sdk.Directory }

// Watch implements sdk.Directory.
func (d sinceJoin) Watch(role string) sdk.View { return ofRole{d.Directory.Watch(""), role} }

// SetSecrets does nothing: who made the client changes its secrets.
func (sinceJoin) SetSecrets([]string) {}

// ofRole is the members of one role, of a view of all.
type ofRole struct {
	sdk.View
	role string
}

// Members implements sdk.View.
func (v ofRole) Members() []register.Member {
	return slices.DeleteFunc(v.View.Members(), func(m register.Member) bool { return m.Role != v.role })
}

// Settled reports whether who can be listed has had the time to be.
func (v ofRole) Settled() bool {
	s, ok := v.View.(interface{ Settled() bool })
	return !ok || s.Settled()
}
