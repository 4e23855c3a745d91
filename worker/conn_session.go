package worker

import (
	"fmt"
	"math"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/mergepatch"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/link"
)

// SetSession replaces the session with the acknowledgement of this event. b is
// copied. Session returns it from now on.
func (c *Conn) SetSession(b []byte) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.event == record.KindClosed {
		return fault.New(fault.Stale, "")
	}
	if most := c.gateway.MaxSession(); most > 0 && len(b) > most {
		return fault.New(fault.TooLarge, fmt.Sprintf("a session has at most %d bytes", most))
	}
	if err := c.effects.grow(len(b), true); err != nil {
		return err
	}
	kept := append([]byte{}, b...)
	if a := c.effects.answer; a != nil {
		a.Session, a.HasSession = kept, true
	} else {
		c.effects.session = &gatewayv1.SessionWrite{Session: kept}
	}
	c.known.session = kept
	return nil
}

// MergeSession merges a JSON merge patch into the session with the acknowledgement of this
// event, like [Sender.MergeSession]: at the gateway, so nothing is lost of what somebody
// else has written meanwhile. Session returns the merged one from now on. Several calls,
// up to 64 and in all four times as long as a session may be, and SetSession before them,
// become one write. If the gateway cannot
// carry it out after all, because others have written too much or what is no object,
// nothing of the acknowledgement is done: no reply says what was not saved.
func (c *Conn) MergeSession(patch []byte) error {
	if err := checkPatch(patch); err != nil {
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer c.mu.Unlock()
	switch {
	case c.event == record.KindClosed:
		return fault.New(fault.Stale, "")
	case c.effects.answer == nil && !c.gateway.Can(record.FeatureMergeSession):
		return linkError(link.ErrUnable)
	}
	most := c.gateway.MaxSession()
	if most == 0 {
		most = math.MaxInt // it has not said
	}
	merged, err := mergepatch.Apply(c.known.session, patch, most)
	if err != nil {
		return patchError(err)
	}
	if err := c.merge(patch, merged, most); err != nil {
		return err
	}
	c.known.session = merged
	return nil
}

// merge notes a patch, and what it makes of the session, of most bytes, as far as is known
// here. c.mu is held.
func (c *Conn) merge(patch, merged []byte, most int) error {
	w, a := c.effects.session, c.effects.answer
	switch {
	case a != nil || w != nil && !w.Merge: // all of it is ours
		if err := c.effects.grow(len(patch), true); err != nil {
			return err
		}
		if a != nil {
			a.Session, a.HasSession = merged, true
		} else {
			w.Session = merged
		}
		return nil
	case w == nil:
		w = &gatewayv1.SessionWrite{Merge: true}
	}
	patches := append(w.Session[:len(w.Session):len(w.Session)], patch...)
	if !mergepatch.Fits(patches, most) {
		return patchError(mergepatch.ErrTooLarge)
	}
	if err := mergepatch.Check(patches); err != nil {
		return patchError(err)
	}
	if err := c.effects.grow(len(patch), true); err != nil {
		return err
	}
	w.Session, c.effects.session = patches, w
	return nil
}

// UpdateSession is MergeSession of v's JSON, as [Sender.UpdateSession].
func (c *Conn) UpdateSession(v any) error {
	patch, err := patchOf(v)
	if err != nil {
		return err
	}
	return c.MergeSession(patch)
}

// DeleteSessionKeys takes keys out of the session, which is a JSON object, with the
// acknowledgement of this event.
func (c *Conn) DeleteSessionKeys(keys ...string) error {
	patch, err := nulls(keys)
	if err != nil {
		return err
	}
	return c.MergeSession(patch)
}
