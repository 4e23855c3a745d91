package presence

import (
	"encoding/binary"
	"hash/fnv"
)

// first returns the worker that tells of a user: the one whose hash with the user is
// the highest. When a worker goes, only its own users get another.
func first(workers []uint64, user string) uint64 {
	var best, most uint64
	for _, boot := range workers {
		if h := weight(boot, user); h > most || best == 0 {
			best, most = boot, h
		}
	}
	return best
}

func weight(boot uint64, user string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], boot)
	_, _ = h.Write(b[:]) // never fails
	_, _ = h.Write([]byte(user))
	// FNV leaves neighbours near each other; this spreads them (a step of MurmurHash3).
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
