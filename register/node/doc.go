// Package node is what a process needs to be a member of a cluster: configuration
// from flags, environment and file, TLS and secrets that change on SIGHUP, a log, the
// ops port, draining on SIGTERM. It answers for the life of a process from its
// command line to its exit code. It does not answer for what the process does. Only
// mains import it; what they run is handed listeners, loggers and secrets.
//
//	type config struct {
//		node.Config
//		Listen string `default:"127.0.0.1:8282" help:"Where clients connect."`
//	}
//
//	func (c *config) Validate() error { return c.Guarded("listen", c.Listen) }
//
//	func (c *config) New(n *node.Node) (node.Service, error) {
//		l, err := n.Listen("listen", c.Listen)
//		…
//	}
//
//	func main() { node.Main("gateway", new(config)) }
//
// # Configuration
//
// Every field of the struct is a flag, an environment variable and a key of the
// configuration file, of one name: --ping-interval, PARLEY_GATEWAY_PING_INTERVAL and
//
//	ping-interval = 25s
//
// A flag wins over the environment, that over the file, that over the default. The
// flags every role has may also be set for all roles at once, as PARLEY_CLUSTER. In
// the file "gateway.listen = …" is for that role alone and wins over "listen = …".
// An empty variable is one that is not set. Lists are separated by commas.
//
// Tags, besides those of kong: shared:"" marks a flag that every role has, reload:""
// one that takes effect on SIGHUP, reload:"renew" one that does if it was set before
// and still is. Secrets are no flags, since others can read those: they come from
// PARLEY_SECRET or from the file that --secret-file names.
//
// --check names everything that is wrong at once and otherwise prints what is set and
// from where. A process that is started wrongly does the same and exits with 2.
//
// # Signals
//
// SIGTERM or SIGINT: the context of Service.Run ends and the service drains, for at
// most --drain-timeout; a second one ends the process at once. SIGHUP: everything is
// read again; what is tagged reload takes effect, for the rest the log says "restart
// needed". What is read must be good together with what stays as it is, or nothing
// takes effect. Exit codes: 0 in order, 1 failed, 2 wrongly configured.
package node
