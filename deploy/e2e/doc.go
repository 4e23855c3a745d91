// Package e2e holds the end-to-end tests: whole clusters, driven by clients from
// outside. Each test is written once, against the interface stage, and runs two
// ways: with every role in this process, which is quick and sees races, and with
// real processes, which can be killed, frozen and cut off.
package e2e
