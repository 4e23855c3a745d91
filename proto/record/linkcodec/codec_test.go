package linkcodec

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
)

func handshake(t testing.TB) (*nodev1.Handshake, []byte) {
	h := &nodev1.Handshake{Step: &nodev1.Handshake_Hello{Hello: &nodev1.Hello{Cluster: "c", Node: "gw-1"}}}
	b, err := proto.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return h, b
}

// A Batch has the very bytes of AttachRequest and AttachResponse, in both
// directions, and sizes on both sides of gRPC's pooling threshold.
func TestBatchIsAttachRequestAndAttachResponse(t *testing.T) {
	h, raw := handshake(t)
	for _, size := range []int{0, 1, 127, 128, 1000, 5000, 100_000} {
		for _, shaken := range []bool{false, true} {
			records := pattern(1, size)
			req := &gatewayv1.AttachRequest{Records: records}
			resp := &gatewayv1.AttachResponse{Records: records}
			var b Batch
			b.Reserve()
			b.Records = append(b.Records, records...)
			if shaken {
				req.Handshake, resp.Handshake, b.Handshake = h, h, raw
			}
			got := marshal(t, &b)
			b.Release()
			for _, m := range []proto.Message{req, resp} {
				want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%T of %d bytes, handshake %v: got % x…, want % x… (%v)", m, size, shaken, got[:min(20, len(got))], want[:min(20, len(want))], err)
				}
			}
			var back Batch
			data := mem.BufferSlice{mem.SliceBuffer(got)}
			if err := (Codec{}).Unmarshal(data, &back); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back.Records, records) || (shaken && !bytes.Equal(back.Handshake, raw)) {
				t.Errorf("%d bytes, handshake %v: read as %d bytes, handshake % x", size, shaken, len(back.Records), back.Handshake)
			}
			back.Release()
		}
	}
}

// pattern is n bytes that tell which batch they are of and where they are.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seed + i*7 + i>>8)
	}
	return b
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	data, err := Codec{}.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Free() // as gRPC does
	return data.Materialize()
}

func TestEverythingElseIsStandardProtobuf(t *testing.T) {
	h, raw := handshake(t)
	if got := marshal(t, h); !bytes.Equal(got, raw) {
		t.Errorf("marshal: got % x, want % x", got, raw)
	}
	var back nodev1.Handshake
	if err := (Codec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, &back); err != nil || !proto.Equal(&back, h) {
		t.Errorf("unmarshal: got %v, %v", &back, err)
	}
	if _, err := (Codec{}).Marshal("text"); err == nil {
		t.Error("marshalling a string: no error")
	}
	if name := (Codec{}).Name(); name != "proto" {
		t.Errorf("name: got %q, want proto", name)
	}
}

// What came in pieces is one piece in Records.
func TestPiecesAreJoined(t *testing.T) {
	records := pattern(3, 40_000)
	whole, err := proto.Marshal(&gatewayv1.AttachRequest{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	var data mem.BufferSlice
	for p := range slices.Chunk(whole, 16_384) {
		data = append(data, mem.Copy(p, mem.DefaultBufferPool()))
	}
	var b Batch
	err = Codec{}.Unmarshal(data, &b)
	data.Free() // as gRPC does; b has its own
	if err != nil || !bytes.Equal(b.Records, records) {
		t.Errorf("got %d bytes, %v", len(b.Records), err)
	}
	b.Release()
}

// A Batch filled in place keeps the buffer that gRPC frees after Unmarshal.
func TestReceivedRecordsOutliveTheCall(t *testing.T) {
	records := pattern(4, 3_000)
	whole, err := proto.Marshal(&gatewayv1.AttachRequest{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	var freed bool
	buf := mem.NewBuffer(&whole, onPut(func() { freed = true }))
	var b Batch
	if err := (Codec{}).Unmarshal(mem.BufferSlice{buf}, &b); err != nil {
		t.Fatal(err)
	}
	buf.Free() // as gRPC does
	if freed || !bytes.Equal(b.Records, records) {
		t.Errorf("freed %v while the batch is held", freed)
	}
	b.Release()
	if !freed || b.Records != nil {
		t.Errorf("after Release: freed %v, records %d", freed, len(b.Records))
	}
}

type onPut func()

func (onPut) Get(n int) *[]byte { b := make([]byte, n); return &b }
func (f onPut) Put(*[]byte)     { f() }

// The memory of a sent Batch stays as it is until gRPC has written it.
func TestSentRecordsOutliveRelease(t *testing.T) {
	var b Batch
	b.Reserve()
	b.Records = append(b.Records, pattern(5, 3_000)...)
	data, err := Codec{}.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Codec{}.Marshal(&b) // once more, as an interceptor might
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	for range 8 { // would take the memory, were it free
		var other Batch
		other.Reserve()
		other.Records = append(other.Records, make([]byte, 4_000)...)
		defer other.Release()
	}
	again.Free()
	if got := data.Materialize(); !bytes.HasSuffix(got, pattern(5, 3_000)) {
		t.Error("the memory was used again while gRPC had it")
	}
	data.Free()
}

func TestBatchWithoutReserveIsSentToo(t *testing.T) {
	b := Batch{Records: pattern(6, 2_000)}
	got := marshal(t, &b)
	b.Release()
	if !bytes.HasSuffix(got, pattern(6, 2_000)) {
		t.Error("records differ")
	}
}

func TestReceivedBatchIsNotSent(t *testing.T) {
	whole, err := proto.Marshal(&gatewayv1.AttachRequest{Records: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	if err := (Codec{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(whole)}, &b); err != nil {
		t.Fatal(err)
	}
	if _, err := (Codec{}).Marshal(&b); err == nil {
		t.Error("no error")
	}
}

// A sender that fills, sends and releases allocates a few small things per
// batch and never the records.
func TestBusySenderReusesItsMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("under -race sync.Pool forgets at random")
	}
	records := pattern(7, 40_000)
	var b Batch
	n := testing.AllocsPerRun(200, func() {
		b.Reserve()
		b.Records = append(b.Records, records...)
		data, err := Codec{}.Marshal(&b)
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		data.Free()
	})
	if n > 3 { // the envelope's head, gRPC's slice, and a little air
		t.Errorf("allocations per batch: got %v, want at most 3", n)
	}
}

// Whatever the bytes, the envelope is read as protobuf reads it, save that a
// second handshake is refused.
func FuzzEnvelope(f *testing.F) {
	_, raw := handshake(f)
	f.Add([]byte{})
	f.Add([]byte("\x12\x03abc"))
	f.Add(append([]byte("\x0a"+string(rune(len(raw)))), raw...))
	f.Add([]byte("\x12\x01a\x12\x01b"))               // the last counts
	f.Add([]byte("\x0a\x02\x0a\x00\x0a\x02\x12\x00")) // protobuf would merge them
	f.Add([]byte("\x0a\x01\x0a\x0a\x01\x00"))         // each alone is broken, joined they are not
	f.Add([]byte("\x18\x07\x22\x01z\x12\x01a"))       // unknown fields
	f.Add([]byte("\x12\x05abc"))                      // truncated
	f.Add([]byte("\x10\x05"))                         // another type
	f.Add([]byte("\x1b\x08\x01\x1c\x12\x01a"))        // an unknown group
	f.Add([]byte("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var std gatewayv1.AttachRequest
		stdErr := proto.Unmarshal(p, &std)
		var b Batch
		err := Codec{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(p)}, &b)
		defer b.Release()
		if err != nil {
			if stdErr == nil && !errors.Is(err, errTwoHandshakes) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		var h nodev1.Handshake
		if hErr := proto.Unmarshal(b.Handshake, &h); (hErr == nil) != (stdErr == nil) {
			t.Fatalf("accepted, handshake error %v, protobuf says %v", hErr, stdErr)
		} else if hErr != nil {
			return // the handshake is not looked into here
		}
		if !bytes.Equal(b.Records, std.Records) {
			t.Fatalf("records: got % x, want % x", b.Records, std.Records)
		}
		if want := std.GetHandshake(); want != nil && !proto.Equal(&h, want) {
			t.Fatalf("handshake: got %v, want %v", &h, want)
		}
	})
}
