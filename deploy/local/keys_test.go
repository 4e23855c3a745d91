package local

import (
	"os"
	"strings"
	"testing"

	"github.com/parley-im/parley/api/pushkeys"
)

func TestOperatorsKeyIsMadeOnceForItsOwnerAlone(t *testing.T) {
	o := Options{Data: t.TempDir()}
	read := func() (lines, key string) {
		t.Helper()
		if err := o.keys(); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{o.pushKeys(), o.operatorKey()} {
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Fatalf("%v, %v", info.Mode(), err)
			}
		}
		l, err := os.ReadFile(o.pushKeys())
		if err != nil {
			t.Fatal(err)
		}
		k, err := os.ReadFile(o.operatorKey())
		if err != nil {
			t.Fatal(err)
		}
		if !o.opens(string(l), string(k)) {
			t.Fatalf("the key opens nothing:\n%s", l)
		}
		return string(l), string(k)
	}
	lines, key := read()
	if l, k := read(); l != lines || k != key {
		t.Error("it was made twice")
	}

	// Somebody adds a key of his own, and loses that of the operator.
	_, shop, err := pushkeys.New("shop", 1, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.pushKeys(), []byte(lines+shop.Line()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, k := read(); k != key {
		t.Error("a line that was added made another key")
	}
	if err := os.Remove(o.operatorKey()); err != nil {
		t.Fatal(err)
	}
	l, k := read()
	if k == key || !strings.Contains(l, shop.Line()+"\n") || strings.Count(l, "\noperator:") != 1 {
		t.Errorf("after the loss of the key:\n%s", l)
	}
}

func TestBoxSaysHowToLook(t *testing.T) {
	text, _ := chatBox(t, nil)
	if want := "look      bin/parleyctl --key-file data/operator.key --api http://127.0.0.1:"; !strings.Contains(text, want) {
		t.Errorf("want %q in:\n%s", want, text)
	}
	text, _ = chatBox(t, func(o *Options) { o.Port = 8282 })
	if want := "look      bin/parleyctl --key-file data/operator.key members "; !strings.Contains(text, want) {
		t.Errorf("want %q in:\n%s", want, text)
	}
}
