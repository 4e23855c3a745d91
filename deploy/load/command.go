package load

import "github.com/parley-im/parley/deploy/load/bare"

// Command is the command line of parley-load.
type Command struct {
	Idle   idleCommand   `cmd:"" help:"Memory of conns that do nothing."`
	Echo   echoCommand   `cmd:"" help:"CPU and time of a frame to a worker and back."`
	Fanout fanoutCommand `cmd:"" help:"CPU and time of one frame to many."`
	Slow   slowCommand   `cmd:"" help:"What good conns notice of stalled and flooding ones."`
	Bare   bareCommand   `cmd:"" hidden:"" help:"Be the server of --bare."`
}

// bareCommand is what --bare starts.
type bareCommand struct {
	Addr string `arg:""`
}

// Run implements kong's command.
func (c *bareCommand) Run() error { return bare.Serve(c.Addr) }
