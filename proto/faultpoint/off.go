//go:build !parley_faults

package faultpoint

// Enabled tells whether this is a test build.
const Enabled = false

// Hit does nothing in this build.
func Hit(Point) {}

// Sabotaged is false in this build.
func Sabotaged(Weakness) bool { return false }
