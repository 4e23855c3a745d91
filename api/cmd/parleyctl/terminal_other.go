//go:build !unix

package main

import "io"

// terminalWidth takes nothing for a terminal: lines are not cut.
func terminalWidth(io.Writer) int { return 0 }
