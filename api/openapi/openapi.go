// Package openapi holds the description of the HTTP API, made from the protos by
// `make generate`.
package openapi

import _ "embed"

// JSON is an OpenAPI 3.1 document. It is not to be changed.
//
//go:embed openapi.json
var JSON []byte

// Push is that of PushService. It is not to be changed.
//
//go:embed push.json
var Push []byte
