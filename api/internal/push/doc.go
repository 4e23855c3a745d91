// Package push carries out the calls of PushService: what backends in any language may do
// with the conns of the cluster. It answers for who calls (keys, roles, rates), for how
// long a call may take and how large it may be, for the line that is logged of each, and
// for what the calls do, by a worker.Sender. It does not answer for HTTP; package api
// brings calls from there by Door.Call, as the gRPC server of this package does.
//
// Nothing of a call's content is logged: no frame, no name of a user or group, no key.
package push
