package chat

import (
	"slices"
	"time"
)

// pace is how many sends were acknowledged in each second of a talk.
type pace struct {
	at      time.Duration
	acks    int64
	seconds []float64
}

// tick notes how many there are at a moment.
func (p *pace) tick(at time.Duration, acks int64) {
	if p.at > 0 && at > p.at {
		p.seconds = append(p.seconds, float64(acks-p.acks)/(at-p.at).Seconds())
	}
	p.at, p.acks = at, acks
}

// median is the acknowledged sends per second of the second in the middle: a second in
// which the database is away says nothing about the load, nor does the one after it, in
// which all that waited is acknowledged.
func (p *pace) median() float64 {
	if len(p.seconds) == 0 {
		return 0
	}
	slices.Sort(p.seconds)
	return p.seconds[len(p.seconds)/2]
}
