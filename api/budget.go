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
	perMinute    int
	bytesPerHour int64

	mu   sync.Mutex // guards list
	list map[string]*budget
}

// budget is what one user has left.
type budget struct{ pictures, bytes *rate.Limiter }

func newBudgets(perMinute int, bytesPerHour int64) *budgets {
	return &budgets{perMinute: perMinute, bytesPerHour: bytesPerHour, list: map[string]*budget{}}
}

// of returns a user's. The caller holds b.mu.
func (b *budgets) of(user string) *budget {
	one := b.list[user]
	if one == nil {
		if len(b.list) >= maxBudgets {
			b.forget()
		}
		one = &budget{
			pictures: rate.NewLimiter(rate.Limit(float64(b.perMinute)/60), b.perMinute),
			bytes:    rate.NewLimiter(rate.Limit(float64(b.bytesPerHour)/3600), int(b.bytesPerHour)),
		}
		b.list[user] = one
	}
	return one
}

// take takes one picture of a user's, or says when there is one again. bytes is what the
// picture is said to have, -1: nobody knows. Who has used up the hour's bytes waits for
// as many as that.
func (b *budgets) take(user string, bytes int64) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.of(user)
	if missing := float64(max(bytes, 1)) - one.bytes.Tokens(); missing > 0 {
		return time.Duration(missing / float64(one.bytes.Limit()) * float64(time.Second))
	}
	r := one.pictures.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

// spend takes the bytes that came, which may be more than were left: of pictures that
// came at the same time each was let in before the others counted.
func (b *budgets) spend(user string, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of(user).bytes.ReserveN(time.Now(), int(min(bytes, b.bytesPerHour)))
}

// forget drops whoever has not uploaded lately; when all have, everybody.
func (b *budgets) forget() {
	for user, one := range b.list {
		if one.pictures.Tokens() >= float64(b.perMinute) && one.bytes.Tokens() >= float64(b.bytesPerHour) {
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
