package chatclient

import (
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// auth is how the client comes to a token. Client.mu guards it.
type auth struct {
	tokens  *chatv1.Tokens // access is "" when another one is needed
	request string         // of the next refresh: the same until it is answered
	signUp  string         // request id of the sign-up; "": the account is there
	refused int            // access tokens in a row that were refused
}

// maxRefused is how many access tokens in a row may be refused before it is no use to
// get yet another one.
const maxRefused = 3

func (a *auth) begin(cfg *Config) {
	a.tokens = &chatv1.Tokens{Access: cfg.Tokens.GetAccess(), AccessExpiresAt: cfg.Tokens.GetAccessExpiresAt(), Refresh: cfg.Tokens.GetRefresh()}
	a.request = newRequestID()
	if cfg.SignUp {
		a.signUp = newRequestID()
	}
}

// spend makes the next conn get another access token.
func (a *auth) spend() { a.tokens.Access = "" }

// take keeps new tokens.
func (a *auth) take(t *chatv1.Tokens) {
	a.tokens = &chatv1.Tokens{
		Access: t.GetAccess(), AccessExpiresAt: t.GetAccessExpiresAt(), Refresh: t.GetRefresh(), RefreshExpiresAt: t.GetRefreshExpiresAt(),
	}
	a.request = newRequestID()
}

// Tokens are the newest tokens: to go on with in another process, when this client is
// used no more.
func (c *Client) Tokens() *chatv1.Tokens {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := auth{}
	a.take(c.auth.tokens)
	return a.tokens
}

// obtain gets another access token, over the conn or from Config.Token, and then calls
// then, under the lock.
func (c *Client) obtain(l *line, then func(err error)) {
	switch t := c.auth.tokens; {
	case c.cfg.Token != nil:
		stale := t.GetAccess()
		l.goes.Go(func() {
			access, err := c.cfg.Token(l.ctx, stale)
			c.mu.Lock()
			defer c.mu.Unlock()
			if err != nil {
				err = &Error{Code: fault.Unavailable, Reason: "TOKEN", Message: err.Error(), Temporary: true}
			} else {
				c.auth.tokens = &chatv1.Tokens{Access: access}
			}
			then(err)
			c.wakeUp()
		})
	case t.GetRefresh() != "":
		c.refresh(l, t.GetRefresh(), then)
	case c.cfg.Name != "" && c.auth.signUp != "":
		res := &chatv1.SignUpResponse{}
		c.identify(l, "signUp", &call{res: res, req: &chatv1.SignUpRequest{
			Realm: c.cfg.Realm, Name: c.cfg.Name, Password: c.cfg.Password, Device: c.cfg.Device, RequestId: c.auth.signUp,
		}}, func(err error) {
			switch {
			case err == nil:
				c.auth.take(res.GetTokens())
			case codeOf(err) == fault.Conflict: // the account is there
				c.auth.signUp = ""
				c.obtain(l, then)
				return
			}
			then(err)
		})
	case c.cfg.Name != "":
		res := &chatv1.SignInResponse{}
		c.identify(l, "signIn", &call{res: res, req: &chatv1.SignInRequest{
			Realm: c.cfg.Realm, Name: c.cfg.Name, Password: c.cfg.Password, Device: c.cfg.Device,
		}}, func(err error) {
			if err == nil {
				c.auth.take(res.GetTokens())
			}
			then(err)
		})
	default:
		then(&Error{Code: fault.Unauthenticated, Reason: fault.Unauthenticated.String(), Message: "the sign-in is over"})
	}
}

// refresh trades the refresh token. One that is over leaves name and password.
func (c *Client) refresh(l *line, token string, then func(err error)) {
	res := &chatv1.RefreshResponse{}
	c.identify(l, "refresh", &call{res: res, req: &chatv1.RefreshRequest{Refresh: token, RequestId: c.auth.request}}, func(err error) {
		switch {
		case err == nil:
			c.auth.take(res.GetTokens())
		case final(err) && c.cfg.Name != "":
			c.auth.tokens.Refresh = ""
			c.obtain(l, then)
			return
		}
		then(err)
	})
}

// identify is a call that ends with tokens. An answer that comes late is of no use: the
// next try, with the same request id, makes others that take the place of its tokens.
func (c *Client) identify(l *line, method string, k *call, done func(err error)) {
	k.method, k.done = method, done
	if err := c.start(l, k, c.cfg.Times.Call); err != nil {
		done(err)
	}
}

// codeOf is the code of an error, Internal for what has none.
func codeOf(err error) fault.Code {
	if e, ok := err.(*Error); ok { //nolint:errorlint // calls end with a bare *Error
		return e.Code
	}
	return fault.Internal
}

// renew gives the living conn another token when the server asks for it, when a call was
// refused for it, or, by our clock, shortly before its end.
func (c *Client) renew(l *line, now time.Time) time.Time {
	switch {
	case !l.live || l.renewing || c.renewAt.IsZero() || l.fatal != nil:
		return time.Time{}
	case now.Before(c.renewAt):
		return c.renewAt
	}
	l.renewing = true
	c.obtain(l, func(err error) {
		if err != nil {
			c.renewed(l, err, final(err))
			return
		}
		res := &chatv1.RenewResponse{}
		k := &call{method: "renew", req: &chatv1.RenewRequest{Token: c.auth.tokens.GetAccess()}, res: res}
		k.done = func(err error) {
			if err != nil {
				c.renewed(l, err, false)
				return
			}
			c.n.Renewals++
			l.renewing = false
			l.renewal.reset()
			c.ends(res.GetTokenExpiresAt().AsTime(), time.Now())
		}
		if err := c.start(l, k, c.cfg.Times.Call); err != nil {
			c.renewed(l, err, true)
		}
	})
	return time.Time{}
}

// renewed is called when a token was not renewed. If that goes on, the server ends the
// conn with 4004, and the next begins with another token.
func (c *Client) renewed(l *line, err error, forGood bool) {
	l.renewing = false
	if forGood {
		c.fail(l, err)
		return
	}
	c.renewAt = time.Now().Add(l.renewal.next(retryAfter(err)))
	c.wakeUp()
}

// renewAhead is how long before its end a token is renewed, if nobody asked before.
const renewAhead = time.Minute

// ends notes when the conn's token ends, as the server says. Our clock may differ: what
// has ended by it already is left to the server to tell.
func (c *Client) ends(at, now time.Time) {
	left := at.Sub(now)
	c.renewAt = time.Time{}
	if at.Unix() > 0 && left > 0 {
		c.renewAt = now.Add(left - min(renewAhead, left/4))
	}
}
