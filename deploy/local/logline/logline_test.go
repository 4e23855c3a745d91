package logline

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestLinesOfAllKindsBecomeOneReadableLog(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local)
	stamp := noon.Format(time.RFC3339Nano)
	for _, test := range []struct{ name, line, want string }{
		{"json", `{"time":"` + stamp + `","level":"INFO","msg":"worker attached","node":"w-1","conns":12}`,
			"12:00:00.000 gateway-1 worker attached  node=w-1 conns=12\n"},
		{"json warning", `{"time":"` + stamp + `","level":"WARN","msg":"worker lost","err":"no such \"thing\""}`,
			"12:00:00.000 gateway-1 warning: worker lost  err=\"no such \\\"thing\\\"\"\n"},
		{"json time", `{"time":"` + stamp + `","msg":"draining","timeout":30000000000,"conns":30000000000}`,
			"12:00:00.000 gateway-1 draining  timeout=30s conns=30000000000\n"},
		{"json group", `{"level":"ERROR","msg":"m","g":{"a":1,"b":[2]}}`,
			"12:00:00.000 gateway-1 error: m  g={\"a\":1,\"b\":[2]}\n"},
		{"its own name", `{"time":"` + stamp + `","msg":"m","role":"gateway","node":"gateway-1","node":"worker-1"}`,
			"12:00:00.000 gateway-1 m  node=worker-1\n"},
		{"text", `time=` + stamp + ` level=INFO msg="gateway is open" workers=2 empty=""`,
			"12:00:00.000 gateway-1 gateway is open  workers=2 empty=\"\"\n"},
		{"plain", "panic: runtime error", "12:00:00.000 gateway-1 panic: runtime error\n"},
		{"broken json", `{"msg":"half`, "12:00:00.000 gateway-1 {\"msg\":\"half\n"},
		{"broken text", `time=x level=INFO msg="half`, "12:00:00.000 gateway-1 time=x level=INFO msg=\"half\n"},
		{"escapes", "a\x1b[2Jb\tc", "12:00:00.000 gateway-1 a\\x1b[2Jb    c\n"},
		{"not utf-8", "a\xffb", "12:00:00.000 gateway-1 a?b\n"},
		{"empty", "", "12:00:00.000 gateway-1 \n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			w := New(&out, false)
			w.now = func() time.Time { return noon }
			w.Line("gateway-1", []byte(test.line))
			if out.String() != test.want {
				t.Errorf("got  %q\nwant %q", out.String(), test.want)
			}
		})
	}
}

func TestNamesAreAlignedAndColoured(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, true)
	w.Names("register", "gateway-1")
	w.Say("register", "hello %d", 1)
	w.Say("gateway-1", "hello")
	lines := strings.Split(out.String(), "\n")
	if !strings.Contains(lines[0], "\x1b[36mregister \x1b[0m hello 1") || !strings.Contains(lines[1], "\x1b[32mgateway-1\x1b[0m hello") {
		t.Errorf("got %q", lines)
	}
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-02T12:00:00Z","level":"INFO","msg":"m","a":1}`))
	f.Add([]byte(`time=2026-01-02T12:00:00Z level=INFO msg="m" a=b`))
	f.Fuzz(func(t *testing.T, line []byte) {
		var out bytes.Buffer
		New(&out, false).Line("p", bytes.ReplaceAll(line, []byte("\n"), nil))
		if b := out.Bytes(); bytes.Count(b, []byte("\n")) != 1 || b[len(b)-1] != '\n' {
			t.Errorf("%q became %q: want one line", line, b)
		}
	})
}
