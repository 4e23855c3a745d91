package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxBudgets is how many users have one at a time; those with all of theirs left are
// forgotten first.
const maxBudgets = 10_000

// budgets bound what each user may upload. They are of this process: with several, a user
// has as many.
type budgets struct {
	perMinute int

	mu   sync.Mutex // guards list
	list map[string]*rate.Limiter
}

func newBudgets(perMinute int) *budgets {
	return &budgets{perMinute: perMinute, list: map[string]*rate.Limiter{}}
}

// take takes one of a user's, or says when there is one again.
func (b *budgets) take(user string) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.list[user]
	if l == nil {
		if len(b.list) >= maxBudgets {
			b.forget()
		}
		l = rate.NewLimiter(rate.Limit(float64(b.perMinute)/60), b.perMinute)
		b.list[user] = l
	}
	r := l.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

// forget drops whoever has not uploaded lately; when all have, everybody.
func (b *budgets) forget() {
	for user, l := range b.list {
		if l.Tokens() >= float64(b.perMinute) {
			delete(b.list, user)
		}
	}
	if len(b.list) >= maxBudgets {
		clear(b.list)
	}
}

// userOf names whose token it is, for budgets alone: a worker has said that it is good.
// Tokens that cannot be looked into are users of their own.
func userOf(token string) string {
	var claims struct {
		Subject string `json:"sub"`
		Realm   string `json:"realm"`
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(b, &claims) == nil && claims.Subject != "" {
			return claims.Realm + "/" + claims.Subject
		}
	}
	sum := sha256.Sum256([]byte(token))
	return string(sum[:])
}
