package workers

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/internal/params"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

func TestEveryRPCIsAMethod(t *testing.T) {
	methods := Methods()
	if got, want := len(methods), len(chatv1.ChatService_ServiceDesc.Methods); got != want {
		t.Errorf("%d methods, and the service has %d: %v", got, want, slices.Sorted(maps.Keys(methods)))
	}
	for name, access := range map[string]chatv1.Access{
		"sendMessage": chatv1.Access_ACCESS_UNSPECIFIED, "signIn": chatv1.Access_ACCESS_OPEN, "openSession": chatv1.Access_ACCESS_SOCKET,
	} {
		if m := methods[name]; m == nil || m.Access != access || m.Name != name {
			t.Errorf("%s: got %+v, want %v", name, m, access)
		}
	}
	if methods["issueTicket"] != nil {
		t.Error("what is for processes of the cluster is a method")
	}
}

func TestRepeatsAreThoseOfTheProto(t *testing.T) {
	c := New(nil)
	for name, want := range map[string]bool{
		chatv1.ChatService_SendMessage_FullMethodName: true, chatv1.ChatService_GetMessages_FullMethodName: true,
		chatv1.ChatService_SignIn_FullMethodName: false, chatv1.ChatService_SetTyping_FullMethodName: false,
		chatv1.ImageService_FindImage_FullMethodName: true,
	} {
		if c.repeat[name] != want {
			t.Errorf("%s: repeated %v", name, c.repeat[name])
		}
	}
}

func TestParamsAreReadAsOverASocket(t *testing.T) {
	m := Methods()["sendMessage"]
	for name, params := range map[string]string{
		"nothing": "", "blanks": " \n", "null": "null", "no fields": "{}", "unknown fields": `{"later":{"a":[1,2]},"":null}`,
	} {
		req, err := m.Decode([]byte(params))
		if err != nil || !proto.Equal(req, &chatv1.SendMessageRequest{}) {
			t.Errorf("%s: %v, %v", name, req, err)
		}
	}
	req, err := m.Decode([]byte(`{"conversation":"c","request_id":"r","text":"<b>\u0000\ud83d\ude00"}`))
	if want := (&chatv1.SendMessageRequest{Conversation: "c", RequestId: "r", Text: "<b>\x00😀"}); err != nil || !proto.Equal(req, want) {
		t.Errorf("got %v, %v", req, err)
	}
	for name, c := range map[string]struct {
		params string
		want   fault.Code
	}{
		"no JSON":             {`{"text":`, fault.Malformed},
		"behind it":           {`{} {}`, fault.Malformed},
		"a list":              {`[]`, fault.Invalid},
		"a text":              {`"x"`, fault.Invalid},
		"twice":               {`{"text":"a","text":"b"}`, fault.Invalid},
		"twice by both names": {`{"requestId":"a","request_id":"b"}`, fault.Invalid},
		"another type":        {`{"text":1}`, fault.Invalid},
		"half a surrogate":    {`{"text":"\ud800"}`, fault.Invalid},
		"no UTF-8":            {"{\"text\":\"\xff\"}", fault.Invalid},
		"too deep":            {`{"x":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`, fault.Malformed},
		"deep, unbalanced":    {strings.Repeat("[", 100_000), fault.Malformed},
	} {
		if _, err := m.Decode([]byte(c.params)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestAnswersAreAlwaysTheSame(t *testing.T) {
	for range 20 {
		b, err := params.Encode(&chatv1.SendMessageResponse{Message: &chatv1.Message{Seq: 1 << 60, Text: "<script>"}, Duplicate: proto.Bool(false)})
		if want := `{"message":{"seq":"1152921504606846976","text":"<script>"},"duplicate":false}`; err != nil || string(b) != want {
			t.Fatalf("got %s, %v", b, err)
		}
	}
}
