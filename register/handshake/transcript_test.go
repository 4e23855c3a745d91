package handshake

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// counted is a nonce whose bytes count up from start, so that vectors are readable.
func counted(start byte) []byte {
	b := make([]byte, NonceBytes)
	for i := range b {
		b[i] = start + byte(i)
	}
	return b
}

func TestTranscriptGolden(t *testing.T) {
	const path = "testdata/transcript.golden"
	var b strings.Builder
	b.WriteString("# Vectors of the handshake, as defined in doc.go. Written by: go test -run Golden -update\n")
	for _, v := range []struct {
		name, secret      string
		dialler, listener *nodev1.Hello
	}{
		{
			"a worker dials a gateway and expects its boot", "correct horse battery staple",
			Identity{Cluster: "main", Role: "worker", Node: "w-1", Boot: 0x0102030405060708, Build: "v0.1.0", Major: 1, Minor: 0}.hello(counted(0x00), 0x1112131415161718),
			Identity{Cluster: "main", Role: "gateway", Node: "gw-1", Boot: 0x1112131415161718, Build: "v0.1.0", Major: 1, Minor: 0}.hello(counted(0x20), 0),
		},
		{
			"strings outside ASCII, features, an empty cluster", "пароль-密码",
			Identity{Cluster: "", Role: "api", Node: "früh", Boot: 1, Major: 1, Minor: 3, Features: []string{"zip", "二"}}.hello(counted(0x40), 0),
			Identity{Cluster: "", Role: "worker", Node: "工", Boot: 0xffffffffffffffff, Major: 1, Minor: 0, Features: []string{""}}.hello(counted(0xe0), 0),
		},
	} {
		fmt.Fprintf(&b, "\n# %s\nsecret            %s\n", v.name, hex.EncodeToString([]byte(v.secret)))
		fmt.Fprintf(&b, "hello dialler     %x\n", appendHello(nil, v.dialler))
		fmt.Fprintf(&b, "hello listener    %x\n", appendHello(nil, v.listener))
		fmt.Fprintf(&b, "over dialler      %x\n", transcript(labelDialler, v.dialler, v.listener))
		fmt.Fprintf(&b, "over listener     %x\n", transcript(labelListener, v.dialler, v.listener))
		fmt.Fprintf(&b, "proof dialler     %x\n", prove(v.secret, labelDialler, v.dialler, v.listener).GetMac())
		fmt.Fprintf(&b, "proof listener    %x\n", prove(v.secret, labelListener, v.dialler, v.listener).GetMac())
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the transcript changed, and with it every peer that is not of this build would be refused.\ngot:\n%s\nwant:\n%s", b.String(), want)
	}
}

// Two hellos that differ anywhere must not be written as the same bytes.
func FuzzHello(f *testing.F) {
	seed := func(h *nodev1.Hello) {
		b, _ := proto.Marshal(h)
		f.Add(b)
	}
	seed(worker().id.hello(counted(0), 7))
	seed(gateway().id.hello(counted(1), 0))
	seed(&nodev1.Hello{Cluster: "ab", Role: "c"})
	f.Add([]byte{0x0a, 0xff})
	base := worker().id.hello(counted(0), 7)
	f.Fuzz(func(t *testing.T, b []byte) {
		h := new(nodev1.Hello)
		if proto.Unmarshal(b, h) != nil {
			return
		}
		if checkHello(h) != nil {
			return // refused, and nothing was computed
		}
		written := appendHello(nil, h)
		if most := 6*(4+MaxStringBytes) + MaxFeatures*(4+MaxStringBytes) + 64; len(written) > most {
			t.Fatalf("a hello that passed takes %d bytes", len(written))
		}
		h.ProtoReflect().SetUnknown(nil)
		if bytes.Equal(written, appendHello(nil, base)) != proto.Equal(h, base) {
			t.Fatalf("%v and %v are written alike", h, base)
		}
		if got := identityOf(h).hello(h.GetNonce(), h.GetExpectBoot()); got.GetMajor() == h.GetMajor() && !proto.Equal(got, h) {
			t.Fatalf("got %v back from %v", got, h)
		}
	})
}
