package push

import (
	"errors"
	"fmt"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
)

// How many may be named in one call.
const (
	maxMany   = 10_000 // where a gateway is told of all in a few commands
	maxEach   = 1_000  // where it takes a command for each
	maxGroups = 1_000
	maxAsked  = 100 // users whose groups are wanted: each may be in many

	// maxPairs bounds users times groups, and conns times groups.
	maxPairs = 1_000_000
)

// within wants at most so many of something.
func within(what string, n, most int) error {
	if n > most {
		return fault.New(fault.TooLarge, fmt.Sprintf("%s: %d are given, at most %d can be", what, n, most))
	}
	return nil
}

// some wants 1 to so many of something.
func some(what string, n, most int) error {
	if n == 0 {
		return fault.New(fault.Invalid, what+": none is given")
	}
	return within(what, n, most)
}

// connsOf reads ids.
func connsOf(what string, texts []string, most int) ([]connid.ID, error) {
	if err := within(what, len(texts), most); err != nil {
		return nil, err
	}
	ids := make([]connid.ID, len(texts))
	for i, text := range texts {
		id, err := connid.Parse(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("%s: %.40q is no conn", what, text)).Because(err)
		}
		ids[i] = id
	}
	return ids, nil
}

func connOf(text string) (connid.ID, error) {
	ids, err := connsOf("conn", []string{text}, 1)
	if err != nil {
		return connid.ID{}, err
	}
	return ids[0], nil
}

func textsOf(ids []connid.ID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

// firstOf is the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// partial is err, unless all that is wrong is that some gateways, which are named in
// lost, did not answer, or could not do it: what the others did is an answer.
func partial(lost []string, err error) error {
	if err == nil || len(lost) == 0 {
		return err
	}
	for _, code := range fault.Codes() {
		switch code {
		case fault.Unavailable, fault.DeadlineExceeded, fault.Overloaded, fault.Unimplemented:
		default:
			if errors.Is(err, code) {
				return err
			}
		}
	}
	return nil
}
