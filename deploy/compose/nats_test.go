package compose

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// TestNATSTakesItsCommandAndKnowsTheWorkers reads the command as nats-server does, which
// is a library here.
func TestNATSTakesItsCommandAndKnowsTheWorkers(t *testing.T) {
	s, folder := read(t).Services["nats"], secrets(t)
	var args []string
	for _, arg := range s.Command {
		args = append(args, strings.Replace(arg, inContainer, folder+"/", 1))
	}
	flags := flag.NewFlagSet("nats-server", flag.ContinueOnError)
	o, err := server.ConfigureOptions(flags, args, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !o.JetStream || o.StoreDir != "/data" || !strings.HasSuffix(s.Volumes[0], ":"+o.StoreDir) {
		t.Errorf("JetStream is %v, in %s, of which the volume is %s", o.JetStream, o.StoreDir, s.Volumes[0])
	}
	conf, err := os.ReadFile(filepath.Join(folder, "worker.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if url := "nats://" + o.Username + ":" + o.Password + "@nats:4222"; o.Password == "" || !strings.Contains(string(conf), "worker.nats = "+url+"\n") {
		t.Error("workers have another name or password than NATS knows")
	}
}
