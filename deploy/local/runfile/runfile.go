// Package runfile is where a running `make run` writes itself down, so that other
// programs on this machine find it: the traffic of a demo, a script, a curious person.
//
//	run, err := runfile.Read("data") // ErrNone: nothing runs there
//	fmt.Println(run.Gateways, run.Processes)
//
// The file is there while everything runs and newer than the last start of a process.
// What a run left that was killed is not taken for one that runs: whoever runs holds a
// lock on the folder, which the kernel gives back.
package runfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Name is what the file is called in its folder.
const Name = "run.json"

// Run is what runs.
type Run struct {
	PID       int       `json:"pid"`       // of the supervisor
	Page      string    `json:"page"`      // URL of the page and of the HTTP door
	Gateways  []string  `json:"gateways"`  // WebSocket URLs
	Registers []string  `json:"registers"` // addresses, as --register takes them
	NATS      string    `json:"nats"`
	Database  string    `json:"database"` // as --database takes it
	Processes []Process `json:"processes"`
}

// Process is one of the supervised ones.
type Process struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	PID   int    `json:"pid"`   // 0: it is dead at the moment
	Ops   string `json:"ops"`   // answers /readyz and /metrics
	URL   string `json:"url"`   // of a gateway: its WebSocket; else empty
	Lives int    `json:"lives"` // how often it was started
}

// Role returns the processes of a role.
func (r *Run) Role(role string) (list []Process) {
	for _, p := range r.Processes {
		if p.Role == role {
			list = append(list, p)
		}
	}
	return list
}

// ErrNone says that nothing runs from a folder.
var ErrNone = errors.New("nothing runs here: start it with make run")

// Write puts r into the place of what is there. Who reads meanwhile sees one or the other.
func Write(dir string, r Run) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(dir, Name)
	fresh := file + ".new"
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write down what runs: %w", err)
	}
	if err := os.Rename(fresh, file); err != nil {
		return fmt.Errorf("write down what runs: %w", err)
	}
	return nil
}

// Remove takes the file away.
func Remove(dir string) { _ = os.Remove(filepath.Join(dir, Name)) } // what stays is not believed

// awaitEvery is how often Await looks.
const awaitEvery = 100 * time.Millisecond

// Await is Read that waits while somebody runs from the folder and is not ready yet.
func Await(ctx context.Context, dir string) (Run, error) {
	for {
		r, err := Read(dir)
		if !errors.Is(err, ErrNone) {
			return r, err
		}
		if held, _ := isHeld(dir); !held {
			return r, err
		}
		select {
		case <-time.After(awaitEvery):
		case <-ctx.Done():
			return r, err
		}
	}
}

// Read returns what runs from a folder, or ErrNone.
func Read(dir string) (Run, error) {
	var r Run
	text, err := os.ReadFile(filepath.Join(dir, Name))
	if errors.Is(err, os.ErrNotExist) {
		return r, ErrNone
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", filepath.Join(dir, Name), err)
	}
	if held, err := isHeld(dir); err != nil || !held {
		return r, errors.Join(ErrNone, err)
	}
	return r, nil
}
