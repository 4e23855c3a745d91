// Package handshake is what two processes of a cluster say to each other first, on
// any stream: who they are, and a proof that both know the secret of the cluster.
// It answers for who is at the other end when a stream begins. It does not answer
// for the bytes that follow: without TLS whoever can change packets on the way can
// take over a stream after its handshake, so use TLS outside trusted networks.
//
// A dialler and a listener, over any [Stream]:
//
//	peer, err := handshake.Dial(handshake.OfRole(stream, "gateway"), local, secrets, attempt, expectBoot)
//	peer, err := handshake.Accept(stream, local, secrets)
//
// Four messages pass:
//
//	dialler → Hello     cluster, role, node, boot, nonce, version, expected boot
//	        ← Hello     the same of the listener
//	dialler → Proof     HMAC-SHA256(secret, transcript of the dialler)
//	        ← Welcome   HMAC-SHA256(secret, transcript of the listener)
//
// The listener checks the dialler's Hello (form, cluster, major version, expected
// boot) but answers with its own Hello even when it does not like what it saw, so
// that both ends can name the difference in one line; then comes a Refusal in the
// place of the Welcome. Neither end sends a proof to a peer whose Hello does not
// fit. Both calls return when the stream's context ends: the deadline is the
// caller's, who also closes the stream after an error.
//
// # What a proof is computed over
//
// Protobuf has no canonical bytes, so the transcript is defined here. With
//
//	u32(n), u64(n)  n in 4 or 8 bytes, big endian
//	str(s)          u32(length of s in bytes), then the bytes of s
//
// a Hello h is written as
//
//	hello(h) = str(cluster) str(role) str(node) u64(boot) str(nonce)
//	           u32(major) u32(minor) str(build)
//	           u32(number of features) str(feature) … in the order sent
//	           u64(expect_boot)
//
// and the two proofs are
//
//	dialler:  HMAC-SHA256(secret, str("parley/1 dialler")  hello(dialler) hello(listener))
//	listener: HMAC-SHA256(secret, str("parley/1 listener") hello(dialler) hello(listener))
//
// where secret is the secret's UTF-8 bytes as the key. Both nonces are in both
// proofs, so an old proof fits no new stream; the labels differ, so a proof sent
// back to its maker does not fit; and what either end says of itself is bound to
// the proof. testdata/transcript.golden has vectors.
//
// # Secrets
//
// Both ends have a list, the current secret first. A dialler tries one per stream
// (the attempt-th, in turn); a listener takes any of its own and answers with the
// one that matched. So a secret is changed without a pause: add the new one at the
// end of every list, then move it to the front of every list, then drop the old.
//
// An empty list means no proof at all: the MAC is then empty, and an end that has
// secrets refuses it. [Guarded] is the rule of where this is allowed. An empty secret
// in a list is not that: it proves nothing and takes nobody.
//
// A secret must not be guessable: whoever sees a handshake pass can try guesses
// against it at home. No secret is ever sent, logged or put into an error.
package handshake
