//go:build !linux

package ws

func unackedFD(uintptr) int { return 0 }
