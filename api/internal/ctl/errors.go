package ctl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-im/parley/proto/fault"
)

// The exit codes of parleyctl.
const (
	ExitDone    = 0
	ExitFailed  = 1
	ExitUsage   = 2
	ExitPartial = 3 // done, or told, but for the gateways that are named
)

// ExitCode is that of what a command returned.
func ExitCode(err error) int {
	var u *usage
	var p *partial
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &u):
		return ExitUsage
	case errors.As(err, &p):
		return ExitPartial
	}
	return ExitFailed
}

// usage is wrong use: nothing was asked of the api.
type usage struct{ text string }

// Error implements error.
func (u *usage) Error() string { return u.text }

// WrongUsage is an error of who typed the command.
func WrongUsage(format string, args ...any) error { return &usage{fmt.Sprintf(format, args...)} }

// partial names the gateways without which an answer is.
type partial struct{ gateways []string }

// Error implements error.
func (p *partial) Error() string {
	names := make([]string, len(p.gateways))
	for i, g := range p.gateways {
		names[i] = shown(g)
	}
	if len(names) == 1 {
		return "gateway " + names[0] + " did not answer: what it holds is not in this"
	}
	return "gateways " + strings.Join(names, ", ") + " did not answer: what they hold is not in this"
}

// lost is nil when every gateway has answered.
func lost(gateways []string) error {
	if len(gateways) == 0 {
		return nil
	}
	return &partial{gateways}
}

// unreachable is an api that does not answer.
type unreachable struct {
	api string
	err error
}

// Error implements error.
func (u *unreachable) Error() string { return u.api + " does not answer: " + u.err.Error() }

// Unwrap returns what it was.
func (u *unreachable) Unwrap() error { return u.err }

// stranger is one that answers something else than an api would.
type stranger struct{ api, why string }

// Error implements error.
func (s *stranger) Error() string { return s.api + ": " + s.why }

// Explain is what went wrong as a person reads it, with what to do next: lines without
// a newline at the end.
func Explain(err error) string {
	text := Line(err.Error())
	if next := next(err); next != "" {
		text += "\n  " + next
	}
	return text
}

// next is what to do about an error.
func next(err error) string {
	var away *unreachable
	var other *stranger
	switch {
	case errors.As(err, &away):
		return "Is parley-api there? Say where: --api http://HOST:8080, or PARLEY_API."
	case errors.As(err, &other):
		return "Is that a parley-api, and was it started with --push-keys? --api or PARLEY_API says which is asked."
	case errors.Is(err, context.Canceled):
		return ""
	}
	var f *fault.Fault
	if !errors.As(err, &f) {
		return ""
	}
	switch f.Code() {
	case fault.Unauthenticated:
		return "Is the line of this key in the file that parley-api has as --push-keys, and was parley-api told by SIGHUP? --key-file or PARLEY_KEY_FILE says which key is shown."
	case fault.Forbidden:
		return "The roles of a key stand in its line of --push-keys."
	case fault.Unimplemented:
		return "Was parley-api started with --push-keys? Or it, or a gateway, is older than this parleyctl."
	case fault.Stale:
		return "The conn has ended. parleyctl conns lists those that are there."
	case fault.Overloaded, fault.Unavailable, fault.DeadlineExceeded:
		return "Try again."
	}
	return ""
}
