package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// How long tokens last, unless the configuration says otherwise.
const (
	DefaultAccess  = 15 * time.Minute
	DefaultRefresh = 30 * 24 * time.Hour
)

// MinKeyBytes is how long a key has to be.
const MinKeyBytes = 32

// maxTokenBytes bounds an access token before anything looks at it.
const maxTokenBytes = 2048

// lineEnds are what decoders of base64 leave out, strict ones too: a token with them
// would be another spelling of the one without.
const lineEnds = "\r\n"

// leeway is how far the clocks of two workers may differ.
const leeway = 5 * time.Second

// Config is what Tokens are made of.
type Config struct {
	Issuer  string        // the cluster, never empty: a token of another one is no good here
	Keys    [][]byte      // the first signs, all of them check
	Realms  []chat.Realm  // that are served; nil: all
	Access  time.Duration // 0: DefaultAccess
	Refresh time.Duration // 0: DefaultRefresh
	Now     func() time.Time
}

// Validate reports everything wrong at once.
func (c Config) Validate() error {
	errs := []error{checkKeys(c.Keys)}
	if c.Issuer == "" {
		// Without it the tokens of every cluster that has the same keys would be good.
		errs = append(errs, errors.New("token issuer: missing"))
	}
	for _, r := range c.Realms {
		if err := r.Check(); err != nil {
			errs = append(errs, fmt.Errorf("realm %q: %w", string(r), err))
		}
	}
	if c.Access < 0 || c.Refresh < 0 {
		errs = append(errs, errors.New("tokens: last longer than nothing"))
	}
	return errors.Join(errs...)
}

func checkKeys(list [][]byte) error {
	if len(list) == 0 {
		return errors.New("token keys: at least one")
	}
	var errs []error
	for i, k := range list {
		if len(k) < MinKeyBytes {
			errs = append(errs, fmt.Errorf("token key %d: at least %d bytes", i+1, MinKeyBytes))
		}
	}
	return errors.Join(errs...)
}

// Tokens makes and checks tokens. Its methods may be called from any goroutine.
type Tokens struct {
	cfg    Config
	keys   atomic.Pointer[keys]
	parser *jwt.Parser
}

type keys struct {
	sign string            // name of the key that signs
	by   map[string][]byte // by name
}

// NewTokens checks cfg.
func NewTokens(cfg Config) (*Tokens, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Access == 0 {
		cfg.Access = DefaultAccess
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = DefaultRefresh
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	t := &Tokens{cfg: cfg}
	t.keys.Store(newKeys(cfg.Keys))
	t.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(cfg.Issuer), jwt.WithLeeway(leeway), jwt.WithTimeFunc(cfg.Now), jwt.WithStrictDecoding(),
	)
	return t, nil
}

// SetKeys replaces the keys, for rotation: put the new one first, and take the old one
// away when its last token has ended. With keys that are none those there are stay.
func (t *Tokens) SetKeys(list [][]byte) error {
	if err := checkKeys(list); err != nil {
		return err
	}
	t.keys.Store(newKeys(list))
	return nil
}

// newKeys copies the keys: what the caller does with its own later changes nothing.
func newKeys(list [][]byte) *keys {
	k := &keys{by: make(map[string][]byte, len(list))}
	for i, key := range list {
		name := keyName(key)
		if i == 0 {
			k.sign = name
		}
		k.by[name] = bytes.Clone(key)
	}
	return k
}

// keyName tells keys apart without telling what they are.
func keyName(key []byte) string {
	sum := sha256.Sum256(append([]byte("parley token key "), key...))
	return base64.RawURLEncoding.EncodeToString(sum[:6])
}

// claims is what an access token says.
type claims struct {
	jwt.RegisteredClaims
	Realm  string `json:"realm,omitempty"`
	Family string `json:"fam"`
}

// Access makes an access token for a caller.
func (t *Tokens) Access(c chat.Caller) (token string, expires time.Time, err error) {
	now := t.cfg.Now()
	expires = now.Add(t.cfg.Access).Truncate(time.Second)
	k := t.keys.Load()
	j := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.cfg.Issuer, Subject: string(c.User),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		Realm: string(c.Realm), Family: string(c.Family),
	})
	j.Header["kid"] = k.sign
	token, err = j.SignedString(k.by[k.sign])
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token: %w", err)
	}
	return token, expires, nil
}

// The answers to tokens that are no good. They tell apart what a client can do
// something about, and nothing that helps to forge one.
var (
	errNoToken = fault.New(fault.Unauthenticated, "no token")
	errToken   = fault.New(fault.Unauthenticated, "the token is not good")
	errExpired = fault.New(fault.Unauthenticated, "the token has expired")
	errRealm   = fault.New(fault.Unauthenticated, "the token is of a realm that is not served here")
)

// Verify checks an access token. Every failure is Unauthenticated.
func (t *Tokens) Verify(token string) (chat.Caller, time.Time, error) {
	switch {
	case token == "":
		return chat.Caller{}, time.Time{}, errNoToken
	case len(token) > maxTokenBytes, strings.ContainsAny(token, lineEnds):
		return chat.Caller{}, time.Time{}, errToken
	}
	var c claims
	_, err := t.parser.ParseWithClaims(token, &c, func(j *jwt.Token) (any, error) {
		name, _ := j.Header["kid"].(string)
		if key, ok := t.keys.Load().by[name]; ok {
			return key, nil
		}
		return nil, errors.New("no such key")
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return chat.Caller{}, time.Time{}, errExpired.Because(err)
	case err != nil:
		return chat.Caller{}, time.Time{}, errToken.Because(err)
	case c.Subject == "" || c.Family == "":
		return chat.Caller{}, time.Time{}, errToken
	}
	realm := chat.Realm(c.Realm)
	if realm.Check() != nil || !t.Serves(realm) {
		return chat.Caller{}, time.Time{}, errRealm
	}
	return chat.Caller{Realm: realm, User: chat.UserID(c.Subject), Family: chat.FamilyID(c.Family)}, c.ExpiresAt.Time, nil
}

// Serves reports whether a realm is served here.
func (t *Tokens) Serves(r chat.Realm) bool {
	return t.cfg.Realms == nil || slices.Contains(t.cfg.Realms, r)
}
