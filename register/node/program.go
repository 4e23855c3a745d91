package node

import "context"

// Program is the configuration of one role and what makes a Service of it: a struct
// of flags that embeds Config.
type Program interface {
	// Validate reports everything wrong with the role's own flags at once, naming
	// them. It is called after all sources were read, and again on SIGHUP.
	Validate() error
	// New builds the service and starts nothing but listeners, by Node.Listen.
	New(n *Node) (Service, error)

	common() *Config
}

// Service is what a process is there for.
type Service interface {
	// Run serves until ctx ends, then drains, and returns when all has ended. How
	// long it may drain says Node.Deadline.
	Run(ctx context.Context) error
}

// Vars may be implemented by a Program to name values in the tags of its fields:
// default:"${max_members}".
type Vars interface {
	Vars() map[string]string
}
