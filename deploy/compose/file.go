package compose

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is a compose file, as far as ours goes: a key that is not here is an error, so
// that a misspelt one is.
type File struct {
	Name     string             `yaml:"name"`
	Services map[string]Service `yaml:"services"`
	Networks map[string]Network `yaml:"networks"`
	Volumes  map[string]struct{ Driver string }
	Secrets  map[string]struct{ File string }
	Shared   map[string]any `yaml:",inline"` // x-…: what services have in common
}

// Service is one of them.
type Service struct {
	Image       string            `yaml:"image"`
	Build       *Build            `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Volumes     []string          `yaml:"volumes"`
	Networks    []string          `yaml:"networks"`
	Ports       []string          `yaml:"ports"`
	Healthcheck *Healthcheck      `yaml:"healthcheck"`
	Restart     string            `yaml:"restart"`

	ReadOnly        bool              `yaml:"read_only"`
	CapDrop         []string          `yaml:"cap_drop"`
	SecurityOpt     []string          `yaml:"security_opt"`
	StopGracePeriod string            `yaml:"stop_grace_period"`
	Ulimits         map[string]int    `yaml:"ulimits"`
	Sysctls         map[string]string `yaml:"sysctls"`
	ShmSize         string            `yaml:"shm_size"`
}

// Build says how the image of a service is made.
type Build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
	Target     string `yaml:"target"`
}

// Healthcheck is a command that runs in the container.
type Healthcheck struct {
	Test        []string `yaml:"test"`
	Interval    string   `yaml:"interval"`
	Timeout     string   `yaml:"timeout"`
	Retries     int      `yaml:"retries"`
	StartPeriod string   `yaml:"start_period"`
}

// Network is one that services share.
type Network struct {
	Internal bool `yaml:"internal"`
	IPAM     struct {
		Config []struct{ Subnet string } `yaml:"config"`
	} `yaml:"ipam"`
}

// Read reads a compose file.
func Read(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	f := new(File)
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for key := range f.Shared {
		if !strings.HasPrefix(key, "x-") {
			return nil, fmt.Errorf("%s: %q is no key of a compose file that we know", path, key)
		}
	}
	return f, nil
}

// Ours lists the services whose image is built here, in the order of their names.
func (f *File) Ours() (names []string) {
	for name, s := range f.Services {
		if s.Build != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Flag returns the value of a flag in a command.
func (s Service) Flag(name string) string {
	for i, arg := range s.Command[:max(0, len(s.Command)-1)] {
		if arg == "--"+name {
			return s.Command[i+1]
		}
	}
	return ""
}
