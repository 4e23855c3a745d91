// Package systemd holds the units of Parley, a template for each role, their common
// configuration and their user. It has no Go code but the tests that read them: the
// programs judge what they are started with, and systemd, where it is, the units.
package systemd
