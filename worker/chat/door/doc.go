// Package door is the chat's door for other processes of the cluster: ChatService and
// ImageService over gRPC, on connections that have proved themselves (see
// register/handshake.Gate). api comes in here. It answers for who calls, for how long a
// call may take and for what a caller is told of an error; it does not answer for what
// the calls do.
//
// A call carries the access token of a person as the metadata "authorization", like
// HTTP's header, and the address of the program that the person uses as
// "x-parley-client".
package door
