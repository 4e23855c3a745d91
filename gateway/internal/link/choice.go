package link

import (
	"strconv"
	"time"
)

// Weights that a worker may have; see WeightLabel.
const minWeight, maxWeight = 0.01, 100

// coldShare is the part of its share that a worker gets in the moment it attaches, while
// others are there that are warm.
const coldShare = 0.1

// calm is how many conns may be busy at a worker of weight 1 before that says much: below,
// it is chance who is busy in the moment that a worker tells it.
const calm = 16

// weightOf reads a worker's weight. ok is false for one that is none, which counts as 1.
func weightOf(labels map[string]string) (weight float64, ok bool) {
	text, there := labels[WeightLabel]
	if !there {
		return 1, true
	}
	weight, err := strconv.ParseFloat(text, 64)
	if err != nil || !(weight >= minWeight && weight <= maxWeight) { // NaN is neither
		return 1, false
	}
	return weight, true
}

// warmth is how much of its weight counts, from coldShare when the worker's process first
// attached to 1 when it has been there for slow. One that dials again after a moment is
// as warm as it was.
func (w *worker) warmth(now time.Time, slow time.Duration) float64 {
	age := now.Sub(w.session.since)
	if age >= slow {
		return 1
	}
	return max(coldShare, float64(age)/float64(slow))
}

// work is how many conns have events that are handled by w or wait to be: what it last
// said, for all gateways, or what this gateway alone has given it since, if that is more.
func (w *worker) work() int64 { return max(w.load.Load(), w.underWay.Load()) }

// choose draws two workers by weight and takes the lighter. The two may be the same, so
// nobody gets more than twice the share that its weight and warmth are worth, however
// empty it is. draw returns numbers from 0 to below 1.
func (p *pool) choose(now time.Time, draw func() float64) *worker {
	sum := 0.0
	for _, w := range p.workers {
		sum += w.weight * w.warmth(now, p.slow)
	}
	a, b := p.at(now, draw()*sum), p.at(now, draw()*sum)
	if a != b && heavier(a, b) {
		return b
	}
	return a
}

// at is the worker at a point of the line on which each has a piece as long as its weight.
func (p *pool) at(now time.Time, point float64) *worker {
	last := len(p.workers) - 1
	for _, w := range p.workers[:last] {
		if point -= w.weight * w.warmth(now, p.slow); point < 0 {
			return w
		}
	}
	return p.workers[last]
}

// heavier reports whether a has more to carry than b, for their weights. Two things
// count, equally, each as the part that a has of what both have: the conns of this
// gateway, each of which may have something to say soon, and the conns of all gateways
// that are busy now. So who has few conns and is slow is spared, as is who has many.
func heavier(a, b *worker) bool {
	conns := part(float64(a.owned.Load()+1)/a.weight, float64(b.owned.Load()+1)/b.weight)
	busy := part(float64(a.work())/a.weight+calm, float64(b.work())/b.weight+calm)
	return conns+busy > 1
}

func part(a, b float64) float64 { return a / (a + b) }
