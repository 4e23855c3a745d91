//go:build !race

package e2e

// race says that this test was built with the race detector.
const race = false
