// Package pushkeys reads the keys that backends show to PushService, and makes new ones.
// A key is kept as its hash: who reads the file can call nothing.
//
// A key is parley_ID_SECRET, with 43 characters of base64url for 32 random bytes. The file
// has a line for each:
//
//	# id:roles:calls per second:SHA-256 of the whole key, in hexadecimal
//	shop:send,query:100:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// The hash can be made by hand: printf %s "$KEY" | sha256sum.
package pushkeys
