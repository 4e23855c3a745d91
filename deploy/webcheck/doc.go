// Package webcheck runs the checks and tests that the page and its TypeScript client bring
// with them, so that they are part of `make test`. Needed: Node and npm; without, its tests
// skip themselves, and fail when PARLEY_CI is set.
package webcheck
