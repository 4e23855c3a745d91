package main

import (
	"time"

	"github.com/alecthomas/kong"
)

// command is the command line.
type command struct {
	env

	Version kong.VersionFlag `help:"Show the version."`
	API     string           `name:"api" env:"PARLEY_API" default:"http://127.0.0.1:8080" placeholder:"URL" help:"Where parley-api is; http://127.0.0.1:8080 when nobody says."`
	KeyFile string           `env:"PARLEY_KEY_FILE" placeholder:"FILE" help:"File with the key that is shown to it."`
	JSON    bool             `name:"json" help:"Answer for programs: a JSON object, or one in each line."`
	Timeout time.Duration    `default:"5s" help:"How long one question to the api may take, 30s at most."`

	Members membersCommand `cmd:"" group:"See" help:"Who makes up the cluster, and how the conns are spread: the status screen."`
	Conns   connsCommand   `cmd:"" group:"See" help:"The conns: who, from where, since when."`
	Conn    connCommand    `cmd:"" group:"See" help:"All that is known of one conn."`
	Users   usersCommand   `cmd:"" group:"See" help:"Who has conns."`
	Groups  groupsCommand  `cmd:"" group:"See" help:"The groups that have conns, with their sizes."`
	Count   countCommand   `cmd:"" group:"See" help:"How many conns, users and groups there are; or how many are in some groups."`
	Online  onlineCommand  `cmd:"" group:"See" help:"Which of some users are online."`

	Send sendCommand `cmd:"" group:"Do" help:"Send a frame."`
	Kick kickCommand `cmd:"" group:"Do" help:"End conns."`

	Drain drainCommand `cmd:"" group:"Look after processes" help:"Make a gateway or a worker give everything away and end, as SIGTERM does."`
	Shed  shedCommand  `cmd:"" group:"Look after processes" help:"Move a share of a gateway's clients to other gateways."`

	Key keyCommand `cmd:"" group:"Look after processes" help:"Make keys."`
}
