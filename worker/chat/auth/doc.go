// Package auth makes and checks what proves who somebody is: passwords, access tokens
// and refresh tokens. It answers for their form and their cost, and keeps nothing: that
// is the store's part.
//
// A password is kept as argon2id with OWASP's smaller setting, 19 MiB and two passes,
// about 35 ms of a processor; only a few are computed at once, so that a storm of
// sign-ins leaves room for those who are in. An access token is a JWT that every worker
// can check without asking anybody, and lasts 15 minutes. A refresh token is chance; the
// store has its hash, and it is good once.
package auth
