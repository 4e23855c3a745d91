package e2e

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets more tests run side by side than there are processors: what they
// do is wait. A -parallel on the command line wins.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
