// Package bench compares the layouts that the records of the link might have
// had, and the ways to put them into gRPC. It has only benchmarks; what they
// said, and what was decided by it, is in docs/decisions/0001-record-layout.md.
//
// The layouts that lost are kept here in layouts_test.go, so that the figures
// can be taken again on another machine or with another version of gRPC.
package bench
