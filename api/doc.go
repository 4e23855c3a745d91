// Package api is the HTTP door of a Parley: what workers offer as ChatService is there as
// POST /v1/{method}, with the same JSON as over a socket; pictures are taken in and given
// out; clients are told of the gateways; and the page is served. It has no rule of the
// chat: who may do what, workers say.
//
// What it is made of:
//
//	internal/workers    calls of workers, found by the register
//	internal/picture    what is a picture, and what of it is kept
//	internal/files      the folder where pictures lie
//	internal/site       the files of the page
//	internal/reference  the description of the API, for people
//	web                 the page, as it was built
//	openapi             the description, for programs
//
// An API is made with New and lives in Run. Everything that comes is hostile: each body
// has a bound in bytes and in time, each kind of work one in number, and every answer
// forbids the browser to take it for something else.
package api
