module github.com/parley-im/parley/worker

go 1.26.0

require (
	github.com/parley-im/parley/proto v0.0.0
	github.com/parley-im/parley/register v0.0.0
	golang.org/x/net v0.61.0
	golang.org/x/sync v0.24.0
	google.golang.org/grpc v1.85.0
	google.golang.org/protobuf v1.36.12
)

require (
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261005182115-fad411399dd8 // indirect
)

replace (
	github.com/parley-im/parley/proto => ../proto
	github.com/parley-im/parley/register => ../register
)
