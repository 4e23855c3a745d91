package chatclient

import (
	"math/rand/v2"
	"time"
)

// pace is a pause that grows: the n-th is chosen by chance between nothing and
// first·2ⁿ, so that clients that failed together do not come back together.
type pace struct {
	first, most time.Duration
	n           int
}

// next returns the next pause: at least what the server asked for and then a little more,
// by chance as well, and at most twice that, for the server knows.
func (p *pace) next(asked time.Duration) time.Duration {
	top := p.first
	for range p.n {
		if top *= 2; top >= p.most {
			break
		}
	}
	p.n++
	pause := rand.N(min(top, p.most)) + 1
	if asked > 0 {
		pause = min(max(pause, asked+rand.N(asked/4+1)), 2*asked)
	}
	return pause
}

func (p *pace) reset() { p.n = 0 }

// jittered is d, a quarter more or less.
func jittered(d time.Duration) time.Duration {
	return d - d/4 + rand.N(d/2+1)
}
