package pushkeys

import (
	"strings"
	"testing"
)

func TestALostLineIsMadeOfTheKey(t *testing.T) {
	text, k, err := New("shop-2", 3, 7)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Of(text, 3, 7)
	if err != nil || again != k || !IsKey(text) {
		t.Errorf("%+v, %v, want %+v", again, err, k)
	}
	for _, bad := range []string{"", "parley_shop_", text + "A", text[1:], strings.Replace(text, "shop", "Shop", 1), text[:len(text)-1] + "\n", text[:len(text)-1] + "="} {
		if _, err := Of(bad, 3, 7); err == nil || IsKey(bad) {
			t.Errorf("%q is taken for a key", bad)
		}
	}
	if _, err := Of(text, 0, 7); err == nil {
		t.Error("no role is taken")
	}
	if _, err := Of(text, 3, 0); err == nil || strings.Contains(err.Error(), text) {
		t.Errorf("no rate: %v", err)
	}
}
