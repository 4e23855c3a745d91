package ctl

import (
	"fmt"
	"time"
)

// lasted is how long something has lasted: its two largest units.
func lasted(d time.Duration) string {
	switch {
	case d < 0:
		return none // clocks differ
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// number is what is counted.
type number interface{ int | int32 | uint32 }

// count writes a number as people read it: 1,204.
func count[N number](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		if s[i-1] == '-' {
			break
		}
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is a count of something.
func plural[N number](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// bytesOf writes a number of bytes.
func bytesOf(n int) string { return plural(n, "byte") }

// or is what is said of something, or else other.
func or(said, other string) string {
	if said == "" {
		return other
	}
	return said
}
