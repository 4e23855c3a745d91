// Package proxyheader reads the header of the PROXY protocol, version 2, by which a
// balancer that passes on bytes says for whom it dials.
//
// It answers for: taking exactly the header from the stream, not a byte more, and
// believing nothing that is not laid out as published. It does not know who may send
// one, sets no deadline and reads no extension: what follows the addresses is skipped.
// Version 1, a line of text, is refused.
package proxyheader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// MaxBytes is the length of the longest header that is read. A balancer that adds every
// extension there is, a client's certificate name included, stays far below.
const MaxBytes = 4 << 10

var (
	// ErrNone is what a stream gets that begins with something else.
	ErrNone = errors.New("no PROXY protocol header")
	// ErrVersion1 is what a header in text gets.
	ErrVersion1 = errors.New("PROXY protocol version 1 is not spoken here, only version 2")
	// ErrTooLong is what a header above MaxBytes gets.
	ErrTooLong = fmt.Errorf("PROXY protocol header of more than %d bytes", MaxBytes)
)

// Header is what a balancer says. Its zero value says nothing: the balancer dialled for
// itself (a health check, LOCAL), or does not know for whom (UNSPEC).
type Header struct {
	Source      netip.AddrPort // the client
	Destination netip.AddrPort // where the client connected to
}

// Says is whether the header names a client.
func (h Header) Says() bool { return h.Source.IsValid() }

const (
	prefixBytes = 16 // signature, version and command, family and protocol, length
	version     = 0x20
	commandMask = 0x0f
	local       = 0x0
	proxy       = 0x1

	unspec, tcp4, tcp6 = 0x00, 0x11, 0x21
	bytes4, bytes6     = 12, 36
)

var (
	signature = []byte("\r\n\r\n\x00\r\nQUIT\n")
	version1  = []byte("PROXY ")
)

// Read takes one header from r, which should have a deadline. It never reads beyond the
// header, and gives up at the first byte that cannot be one. An error of r is returned
// as it is; io.ErrUnexpectedEOF is that of a header which ends too early.
func Read(r io.Reader) (Header, error) {
	var b [prefixBytes + bytes6]byte
	if err := begin(r, b[:prefixBytes]); err != nil {
		return Header{}, err
	}
	command, family := b[12]&commandMask, b[13]
	length := int(binary.BigEndian.Uint16(b[14:16]))
	switch {
	case b[12]&^commandMask != version:
		return Header{}, fmt.Errorf("PROXY protocol version %d is not spoken here, only version 2", b[12]>>4)
	case command != local && command != proxy:
		return Header{}, fmt.Errorf("PROXY protocol command %d is unknown", command)
	case prefixBytes+length > MaxBytes:
		return Header{}, ErrTooLong
	}
	if command == local {
		return Header{}, skip(r, length) // whatever it says of addresses does not count
	}
	need, known := map[byte]int{unspec: 0, tcp4: bytes4, tcp6: bytes6}[family]
	switch {
	case !known:
		return Header{}, fmt.Errorf("PROXY protocol family and transport %#02x: want TCP over IPv4 or IPv6", family)
	case length < need:
		return Header{}, fmt.Errorf("PROXY protocol header has %d bytes for addresses of %d", length, need)
	}
	addresses := b[prefixBytes : prefixBytes+need]
	if _, err := io.ReadFull(r, addresses); err != nil {
		return Header{}, early(err)
	}
	return parse(addresses), skip(r, length-need)
}

// begin reads the first bytes and compares them as they come.
func begin(r io.Reader, b []byte) error {
	for n := 0; n < len(b); {
		more, err := r.Read(b[n:])
		n += more
		seen := b[:min(n, len(signature))]
		switch {
		case bytes.HasPrefix(signature, seen):
		case bytes.HasPrefix(version1, seen), bytes.HasPrefix(seen, version1):
			if n >= len(version1) {
				return ErrVersion1
			}
		default:
			return ErrNone
		}
		if err != nil && n < len(b) {
			if n > 0 {
				err = early(err)
			}
			return err
		}
	}
	return nil
}

func parse(b []byte) Header {
	switch len(b) {
	case bytes4:
		return Header{
			Source:      netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[0:4])), binary.BigEndian.Uint16(b[8:10])),
			Destination: netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[10:12])),
		}
	case bytes6:
		return Header{
			Source:      netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[0:16])).Unmap(), binary.BigEndian.Uint16(b[32:34])),
			Destination: netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[16:32])).Unmap(), binary.BigEndian.Uint16(b[34:36])),
		}
	}
	return Header{}
}

// skip takes n bytes of extensions from r.
func skip(r io.Reader, n int) error {
	var b [256]byte
	for n > 0 {
		piece := b[:min(n, len(b))]
		if _, err := io.ReadFull(r, piece); err != nil {
			return early(err)
		}
		n -= len(piece)
	}
	return nil
}

// early is the end of a stream within a header.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
