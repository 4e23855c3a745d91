// Package protogen writes what the protos of the chat mean to programs that speak
// JSON: an OpenAPI 3.1 document and TypeScript types. It is the body of
// protoc-gen-parley, a plugin of protoc and buf:
//
//	plugins:
//	  - local: .ci/bin/protoc-gen-parley
//	    strategy: all # one run sees all files
//	    out: .
//	    opt: service=parley.chat.v1.ChatService,openapi=api/openapi/openapi.json,typescript=api/sdk/src/chat.ts
//
// What is in them follows from the service alone: its rpcs, what those take and
// answer, and, in TypeScript, the messages called …Push beside it. A new rpc needs no
// line here. The same input gives the same bytes.
//
// The package answers for the two documents. It does not answer for what HTTP does;
// the paths of api that are no rpc stand in frame.json, by hand. PushService has a document
// of its own, with frame=push.
package protogen
