package params

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

func TestUnknownFieldsArePassedOverOrNamed(t *testing.T) {
	const text = `{"all":true,"exeptUsers":["ann"]}`
	req := new(pushv1.SendRequest)
	if err := Decode([]byte(text), req); err != nil || !req.GetAll() {
		t.Errorf("got %v, %v", req, err)
	}
	err := DecodeStrictly([]byte(text), new(pushv1.SendRequest))
	if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.Of(err).Message(), `unknown field "exeptUsers"`) || strings.Contains(fault.Of(err).Message(), "proto") {
		t.Errorf("strictly: %v", err)
	}
}

func TestParamsThatAreNoneAreTheSameStrictlyOrNot(t *testing.T) {
	for text, want := range map[string]fault.Code{
		`{"all":`: fault.Malformed, `{} {}`: fault.Malformed, strings.Repeat("[", 100_000): fault.Malformed, `[]`: fault.Invalid, `{"all":1}`: fault.Invalid,
	} {
		for name, decode := range map[string]func([]byte, proto.Message) error{"leniently": Decode, "strictly": DecodeStrictly} {
			if err := decode([]byte(text), new(pushv1.SendRequest)); err == nil || fault.CodeOf(err) != want {
				t.Errorf("%.20s, %s: %v, want %v", text, name, err, want)
			}
		}
	}
	for _, text := range []string{"", " \n", "null", "{}"} {
		if err := DecodeStrictly([]byte(text), new(pushv1.SendRequest)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAnAnswerHasWhatIsEmptyIfItIsToBeWhole(t *testing.T) {
	m := &pushv1.SendResponse{Hit: 1}
	short, err := Encode(m)
	if err != nil || string(short) != `{"hit":1}` {
		t.Errorf("got %s, %v", short, err)
	}
	whole, err := EncodeWhole(m)
	if err != nil || string(whole) != `{"hit":1,"dropped":0,"missed":0,"offline":[],"lost":[],"duplicate":false}` {
		t.Errorf("whole: %s, %v", whole, err)
	}
}
