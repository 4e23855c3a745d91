package e2e

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/worker"
)

// TestMain lets more tests run side by side than there are processors: what they
// do is wait. A -parallel on the command line wins.
func TestMain(m *testing.M) {
	if at := os.Getenv(actorAt); at != "" {
		a, err := newActor(at)
		if err != nil {
			panic(err)
		}
		worker.Main(a) // ends the process
	}
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
