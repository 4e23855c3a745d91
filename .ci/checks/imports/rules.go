package imports

// A rule binds some packages to some imports. Its lists hold patterns:
//
//	std               a package of the standard library
//	ext               a package of somebody else's module
//	main              a program
//	testkit           a package whose name ends in "test" (registertest)
//	./gateway/...     packages of ours, below the root of the repository
//	net/...           any other package by its path, with what is below it
//	!PATTERN          takes back what the patterns before it matched
type rule struct {
	about  string // whom it binds
	tests  bool   // whether it binds their tests too
	deep   bool   // whether it looks at all that they compile in, not only at their own imports
	allow  string // all they may import; empty: anything
	forbid string // what they may not import
	reason string // why; shown to whoever breaks it
}

// contract is what the SDK and everything below it may compile in: a worker of
// a stranger carries all of it.
const contract = "std google.golang.org/grpc/... google.golang.org/protobuf/... google.golang.org/genproto/googleapis/rpc/... golang.org/x/... ./proto/... "

// layers has a row for every module of go.work: what of ours it may import.
var layers = []rule{
	{
		about: "./proto/...", tests: true,
		allow:  "std ext ./proto/...",
		reason: "proto is the bottom: everything imports it, it imports nothing of ours",
	},
	{
		about: "./register/... !./register/node/... !./register/cmd/...", tests: true,
		allow:  "std ext ./proto/... ./register/... !./register/node/...",
		reason: "the register knows neither gateways nor workers, only members",
	},
	{
		about: "./register/cmd/...", tests: true,
		allow:  "std ext ./proto/... ./register/...",
		reason: "the register knows neither gateways nor workers, only members",
	},
	{
		about: "./register/node/...", tests: true,
		allow:  "std ext ./proto/... ./register/...",
		reason: "what every process needs cannot know which process it is in",
	},
	{
		about: "./gateway/...", tests: true,
		allow:  "std ext ./proto/... ./register/... ./gateway/...",
		reason: "a gateway and a worker meet only on the link, so that each can be replaced",
	},
	{
		about: "./worker/... !./worker/chat/... !./worker/examples/...", tests: true,
		allow:  "std ext ./proto/... ./register/... ./worker/... !./worker/chat/... !./worker/examples/...",
		reason: "a gateway and a worker meet only on the link, so that each can be replaced; the chat is one business of many",
	},
	{
		about: "./worker/chat/...", tests: true,
		allow:  "std ext ./proto/... ./register/... ./worker/... !./worker/examples/...",
		reason: "the chat stands on the SDK like any stranger's worker and knows no gateway",
	},
	{
		about:  "./worker/examples/... !./worker/examples/clustertest",
		allow:  "std ext ./proto/... ./register/node/... ./worker/... !./worker/examples/...",
		reason: "an example shows what a stranger can write: the SDK and nothing behind it, in one file that can be copied",
	},
	{
		about:  "./worker/examples/clustertest",
		allow:  "std ext ./proto/... ./register/... ./gateway ./worker/... !./worker/examples/...",
		reason: "examples are tested against the real thing",
	},
	{
		about: "./api/...", tests: true,
		allow:  "std ext ./proto/... ./register/... ./worker/... !./worker/chat/... !./worker/examples/... ./api/...",
		reason: "api has no rule of the chat: it asks workers, and knows them by the protos and the register",
	},
	{
		about:  "./deploy/...",
		allow:  "std ext ./...",
		reason: "deploy is the top and imports all",
	},
}

// rules are the further ones, from what strangers rely on to our own habits.
var rules = []rule{
	{
		about: "./proto/...", deep: true,
		allow:  contract,
		reason: "whoever uses the SDK compiles proto",
	},
	{
		about: "./register ./register/handshake/... ./register/internal/...", deep: true,
		allow:  contract + "./register ./register/handshake/... ./register/internal/...",
		reason: "whoever uses the SDK compiles the register's client",
	},
	{
		about: "./worker/... !./worker/chat/... !./worker/examples/...", deep: true,
		allow:  contract + "./register ./register/handshake/... ./register/internal/... ./worker/...",
		reason: "the SDK is std, grpc, protobuf, x/*, proto and register: a stranger's program carries all of it",
	},
	{
		about: "./... !./gateway/internal/ws/...", tests: true,
		forbid: "github.com/lxzan/gws/...",
		reason: "gateway/internal/ws alone knows gws: its traps are handled there and it can be replaced there",
	},
	{
		about:  "./gateway/internal/ws/...",
		allow:  "std ext ./proto/... ./register/clientaddr ./gateway/internal/frame ./gateway/internal/proxyheader ./gateway/internal/ws/...",
		reason: "ws knows sockets, frames and from where they come, not users, groups or workers",
	},
	{
		about:  "./gateway/internal/hub/... ./gateway/internal/frame/...",
		allow:  "std ./proto/... ./gateway/internal/frame ./gateway/internal/hub/...",
		forbid: "net/... os/... io/fs syscall/... log/...",
		reason: "the hub does no I/O: it is held under shard locks, and its tests need no sockets",
	},
	{
		about:  "./worker/chat",
		allow:  "std ./proto/fault",
		forbid: "net/... os/... io/fs syscall/... log/... database/...",
		reason: "the domain is rules: it is read and tested without a database, a bus or a socket",
	},
	{
		about:  "./... !./worker/chat/store/... !./worker/chat/chattest !./deploy/verify/chat !./worker/examples/swoolechat !./worker/examples/onetoone !./worker/examples/shareddoc !./worker/examples/support",
		tests:  true,
		forbid: "gorm.io/... modernc.org/sqlite github.com/pressly/goose/... github.com/go-sql-driver/mysql github.com/jackc/pgx/...",
		reason: "worker/chat/store alone knows databases: everything else speaks chat.Store, except the prover, which reads past it, and four examples, whose business is a database of their own",
	},
	{
		about:  "./... !./worker/chat/bus/... !./worker/examples/tasks !./deploy/...",
		tests:  true,
		forbid: "github.com/nats-io/...",
		reason: "worker/chat/bus alone knows NATS: its traps are handled there and it can be replaced there; but for one example, whose business is a queue of its own",
	},
	{
		about:  "./worker/chat/auth/...",
		allow:  "std golang.org/x/... github.com/golang-jwt/... github.com/google/uuid ./proto/fault ./worker/chat",
		reason: "passwords and tokens need no socket and no database",
	},
	{
		about: "./api/internal/protogen", deep: true,
		allow:  "std google.golang.org/protobuf/... ./proto/fault",
		reason: "what writes generated code has to build while that code does not",
	},
	{
		about:  "./api/internal/picture/...",
		allow:  "std golang.org/x/image/... ./proto/fault ./api/internal/picture",
		forbid: "net/... os/... io/fs syscall/... log/...",
		reason: "what hostile bytes are given to reads and writes memory only",
	},
	{
		about:  "./... !main !./register/node/...",
		forbid: "./register/node/...",
		reason: "only programs read flags, environment and files; libraries are handed what they need",
	},
	{
		about:  "./... !main !./register/node/... !./worker !./deploy/...",
		forbid: "flag github.com/alecthomas/kong/...",
		reason: "only programs (and worker.Main, which is one) read flags, environment and files; libraries are handed what they need",
	},
	{
		about: "./... !./deploy/...", tests: true,
		forbid: "./deploy/...",
		reason: "deploy is the top of the graph and imported by none",
	},
	{
		about:  "./... !testkit !./deploy/...",
		forbid: "testing/... net/http/httptest go.uber.org/goleak/...",
		reason: "testing registers flags in the program that links it; a package for tests is called xtest",
	},
	{
		about: "./...", tests: true,
		forbid: "C",
		reason: "programs are built with CGO_ENABLED=0, so that one file runs anywhere",
	},
}

// requirement is what a go.mod may require.
type requirement struct {
	module string // its folder
	allow  string // patterns over module paths, ours by folder
	reason string
}

var requirements = []requirement{
	{
		module: "proto",
		allow:  "google.golang.org/grpc google.golang.org/protobuf google.golang.org/genproto/... golang.org/x/...",
		reason: "the go.mod of proto is part of every SDK user's go.mod: no test library, nothing convenient",
	},
	{
		module: "worker",
		allow:  "google.golang.org/grpc google.golang.org/protobuf google.golang.org/genproto/... golang.org/x/... ./proto ./register",
		reason: "the go.mod of the SDK is part of every user's go.mod: no test library, nothing convenient",
	},
}
