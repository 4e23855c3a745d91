package runfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatRunsIsFoundOnlyWhileItRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Read(dir); !errors.Is(err, ErrNone) {
		t.Errorf("an empty folder: %v, want ErrNone", err)
	}
	release, err := Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); !errors.Is(err, ErrNone) {
		t.Errorf("before it is written: %v, want ErrNone", err)
	}
	soon := make(chan error, 1)
	go func() {
		_, err := Await(t.Context(), dir)
		soon <- err
	}()
	want := Run{PID: 7, Gateways: []string{"ws://127.0.0.1:8282/"}, Processes: []Process{{Name: "worker-1", Role: "worker", PID: 8, Lives: 2}, {Name: "api", Role: "api"}}}
	if err := Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || got.PID != 7 || len(got.Role("worker")) != 1 || got.Role("worker")[0].Lives != 2 {
		t.Errorf("got %+v, %v: want %+v", got, err, want)
	}
	if err := <-soon; err != nil {
		t.Errorf("who waited for it: %v", err)
	}
	if _, err := Hold(dir); err == nil || !strings.Contains(err.Error(), "DATA=") {
		t.Errorf("two run from one folder: %v", err)
	}
	release()
	if _, err := Read(dir); !errors.Is(err, ErrNone) {
		t.Errorf("what a killed run left is taken for one that runs: %v", err)
	}
	again, err := Hold(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
	Remove(dir)
	if _, err := os.Stat(filepath.Join(dir, Name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
