package proxyheader

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

// The vectors are made by hand from section 2.2 of
// https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt: signature, version and
// command, family and transport, length, source, destination, ports, extensions.
const sign = "0d0a0d0a 000d0a51 5549540a "

var vectors = []struct {
	name, hex string
	from, to  string // "": nothing is said
	wrong     string // part of the error; "": none
}{
	{"TCP over IPv4", sign + "21 11 000c c6336407 c0000201 c350 01bb", "198.51.100.7:50000", "192.0.2.1:443", ""},
	{"TCP over IPv6", sign + "21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001 c350 01bb",
		"[2001:db8::7]:50000", "[2001:db8::1]:443", ""},
	{"an IPv4 client of an IPv6 listener", sign + "21 21 0024 00000000000000000000ffffc6336407 00000000000000000000ffffc0000201 c350 01bb",
		"198.51.100.7:50000", "192.0.2.1:443", ""},
	{"extensions: ALPN, authority, a checksum, NOOP", sign + "21 11 0031 c6336407 c0000201 c350 01bb" +
		"01 0008 687474702f312e31 02 000b 6578616d706c652e636f6d 03 0004 01020304 04 0002 0000",
		"198.51.100.7:50000", "192.0.2.1:443", ""},
	{"an extension whose length is a lie", sign + "21 11 0010 c6336407 c0000201 c350 01bb 01 ffff 00", "198.51.100.7:50000", "192.0.2.1:443", ""},
	{"LOCAL", sign + "20 00 0000", "", "", ""},
	{"LOCAL with addresses", sign + "20 11 000c c6336407 c0000201 c350 01bb", "", "", ""},
	{"LOCAL of a family that is unknown", sign + "20 ff 0003 010203", "", "", ""},
	{"UNSPEC", sign + "21 00 0000", "", "", ""},
	{"UNSPEC with something behind", sign + "21 00 0005 0102030405", "", "", ""},

	{"version 1", hex.EncodeToString([]byte("PROXY TCP4 198.51.100.7 192.0.2.1 50000 443\r\n")), "", "", "version 1 is not spoken here"},
	{"version 1, unknown", hex.EncodeToString([]byte("PROXY UNKNOWN\r\n")), "", "", "version 1 is not spoken here"},
	{"version 3", sign + "31 11 000c c6336407 c0000201 c350 01bb", "", "", "version 3 is not spoken here"},
	{"version 0", sign + "01 11 000c c6336407 c0000201 c350 01bb", "", "", "version 0 is not spoken here"},
	{"a command that is unknown", sign + "22 11 000c c6336407 c0000201 c350 01bb", "", "", "command 2 is unknown"},
	{"UDP", sign + "21 12 000c c6336407 c0000201 c350 01bb", "", "", "want TCP"},
	{"a UNIX socket", sign + "21 31 00d8" + strings.Repeat("2f", 216), "", "", "want TCP"},
	{"a transport without a family", sign + "21 01 0000", "", "", "want TCP"},
	{"a family without a transport", sign + "21 10 000c c6336407 c0000201 c350 01bb", "", "", "want TCP"},
	{"too short for IPv4", sign + "21 11 000b c6336407 c0000201 c350 01", "", "", "11 bytes for addresses of 12"},
	{"IPv4 that says it is IPv6", sign + "21 21 000c c6336407 c0000201 c350 01bb", "", "", "12 bytes for addresses of 36"},
	{"longer than anybody needs", sign + "21 11 ffff c6336407 c0000201 c350 01bb", "", "", "more than 4096 bytes"},
	{"HTTP", hex.EncodeToString([]byte("GET / HTTP/1.1\r\n")), "", "", "no PROXY protocol header"},
	{"TLS", "16 03 01 00 f8 01 00 00 f4 03 03 00 00 00 00 00", "", "", "no PROXY protocol header"},
	{"a signature that ends otherwise", "0d0a0d0a 000d0a51 5549540d 21 11 000c", "", "", "no PROXY protocol header"},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestHeaderIsReadAsItIsPublished(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			for name, pieces := range map[string]func(io.Reader) io.Reader{
				"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader,
				"with the end": iotest.DataErrReader,
			} {
				const behind = "\x16\x03\x01 what follows"
				rest := strings.NewReader(string(unhex(t, v.hex)) + behind)
				h, err := Read(pieces(rest))
				if v.wrong != "" {
					if err == nil || !strings.Contains(err.Error(), v.wrong) || h != (Header{}) {
						t.Errorf("%s: got %v, %v; want an error with %q", name, h, err, v.wrong)
					}
					continue
				}
				var want Header
				if v.from != "" {
					want = Header{netip.MustParseAddrPort(v.from), netip.MustParseAddrPort(v.to)}
				}
				if err != nil || h != want || h.Says() != (v.from != "") {
					t.Errorf("%s: got %v, %v; want %v", name, h, err, want)
				}
				if left, _ := io.ReadAll(rest); string(left) != behind && name != "with the end" {
					t.Errorf("%s: left of the stream is %q", name, left)
				}
			}
		})
	}
}

// The longest header that is read, and one of a byte more.
func TestHeaderHasABound(t *testing.T) {
	for size, ok := range map[int]bool{MaxBytes: true, MaxBytes + 1: false} {
		b := unhex(t, sign+"21 11 0000 c6336407 c0000201 c350 01bb")
		b = append(b, make([]byte, size-len(b))...)
		b[14], b[15] = byte((size-prefixBytes)>>8), byte(size-prefixBytes)
		r := bytes.NewReader(b)
		if h, err := Read(r); (err == nil) != ok || h.Says() != ok || errors.Is(err, ErrTooLong) == ok {
			t.Errorf("%d bytes: got %v, %v", size, h, err)
		}
		if read := size - r.Len(); !ok && read > prefixBytes {
			t.Errorf("%d bytes were read of one that is refused", read)
		}
	}
}

func TestHeaderThatEndsTooEarly(t *testing.T) {
	whole := unhex(t, sign+"21 11 0011 c6336407 c0000201 c350 01bb 04 0002 0000")
	for n := range len(whole) {
		h, err := Read(bytes.NewReader(whole[:n]))
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF // nothing was said at all
		}
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: got %v, %v; want %v", n, h, err, want)
		}
	}
	failed := errors.New("reset")
	if _, err := Read(io.MultiReader(bytes.NewReader(whole[:20]), iotest.ErrReader(failed))); !errors.Is(err, failed) {
		t.Errorf("error of the stream: got %v", err)
	}
}

// What is no header is told by its first byte: nobody waits for sixteen.
func TestStrangerIsKnownByTheFirstByte(t *testing.T) {
	for said, want := range map[string]error{"G": ErrNone, "\x16": ErrNone, "\r\nG": ErrNone, "PROXY ": ErrVersion1, "PRI": ErrNone} {
		silent := iotest.ErrReader(errors.New("waited for more"))
		if _, err := Read(io.MultiReader(strings.NewReader(said), silent)); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", said, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := Read(r)
		read := len(b) - r.Len()
		if read > MaxBytes {
			t.Fatalf("%d bytes were read", read)
		}
		if err != nil {
			if h.Says() && read < prefixBytes+bytes4 {
				t.Fatalf("%v of %d bytes, %v", h, read, err)
			}
			return
		}
		if want := prefixBytes + int(b[14])<<8 + int(b[15]); read != want || !bytes.HasPrefix(b, signature) {
			t.Fatalf("%d bytes were read of a header of %d", read, want)
		}
		if h.Says() != (b[12] == version|proxy && b[13] != unspec) {
			t.Fatalf("% x says %v", b[:read], h)
		}
	})
}
