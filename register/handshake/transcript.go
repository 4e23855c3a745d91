package handshake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
)

// The labels keep the two proofs of one handshake apart.
const (
	labelDialler  = "parley/1 dialler"
	labelListener = "parley/1 listener"
)

// transcript writes what a proof is computed over, as doc.go defines it.
func transcript(label string, dialler, listener *nodev1.Hello) []byte {
	b := make([]byte, 0, 512)
	b = appendString(b, label)
	b = appendHello(b, dialler)
	return appendHello(b, listener)
}

func appendHello(b []byte, h *nodev1.Hello) []byte {
	b = appendString(b, h.GetCluster())
	b = appendString(b, h.GetRole())
	b = appendString(b, h.GetNode())
	b = binary.BigEndian.AppendUint64(b, h.GetBoot())
	b = appendString(b, string(h.GetNonce()))
	b = binary.BigEndian.AppendUint32(b, h.GetMajor())
	b = binary.BigEndian.AppendUint32(b, h.GetMinor())
	b = appendString(b, h.GetBuild())
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.GetFeatures())))
	for _, f := range h.GetFeatures() {
		b = appendString(b, f)
	}
	return binary.BigEndian.AppendUint64(b, h.GetExpectBoot())
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// prove computes a proof. Without a secret there is none: the MAC is empty.
func prove(secret, label string, dialler, listener *nodev1.Hello) *nodev1.Proof {
	if secret == "" {
		return &nodev1.Proof{}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(transcript(label, dialler, listener))
	return &nodev1.Proof{Mac: mac.Sum(nil)}
}

// match returns the secret under which a proof holds. It compares in constant time
// and tries every secret, so that time tells nothing about which one matched. With
// no secrets only the absence of a proof matches.
func match(secrets []string, got *nodev1.Proof, label string, dialler, listener *nodev1.Hello) (secret string, ok bool) {
	if len(secrets) == 0 {
		return "", len(got.GetMac()) == 0
	}
	for _, s := range secrets {
		want := prove(s, label, dialler, listener)
		if hmac.Equal(want.GetMac(), got.GetMac()) && s != "" {
			secret, ok = s, true
		}
	}
	return secret, ok
}
