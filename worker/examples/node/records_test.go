package node

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/record"
)

// Two readers of one page must agree on what is malformed: on the vectors, on runs of
// them, and on thousands that are broken in places by chance.
func TestBothReadersAgreeOnWhatIsMalformed(t *testing.T) {
	ready(t)
	vectors := vectors(t)
	const seed = 1
	chance := rand.New(rand.NewPCG(seed, 0))
	var batches [][]byte
	for range 5000 {
		var batch []byte
		for range 1 + chance.IntN(3) {
			batch = append(batch, vectors[chance.IntN(len(vectors))]...)
		}
		for range chance.IntN(4) { // 0: as it is
			at := chance.IntN(len(batch))
			switch chance.IntN(4) {
			case 0:
				batch[at] = byte(chance.Uint32())
			case 1: // one of the first header's fields: length, kind, flags, head
				batch[chance.IntN(min(8, len(batch)))] = byte(chance.IntN(48))
			case 2:
				batch = batch[:1+at]
			case 3:
				batch = append(batch, byte(chance.IntN(4)))
			}
		}
		batches = append(batches, batch)
	}
	var in bytes.Buffer
	for _, batch := range batches {
		fmt.Fprintln(&in, hex.EncodeToString(batch))
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/reads.js")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(batches) {
		t.Fatalf("%d answers to %d batches", len(answers), len(batches))
	}
	malformed, whole := 0, 0
	for i, batch := range batches {
		want, ours := goReads(batch)
		if !ours {
			continue
		}
		if answers[i] != want {
			t.Errorf("%x:\nin JavaScript %s\nin Go         %s", batch, answers[i], want)
		}
		if strings.HasSuffix(want, "malformed") {
			malformed++
		} else {
			whole++
		}
	}
	if min(malformed, whole) < len(batches)/10 {
		t.Errorf("%d batches were malformed and %d whole: these say little", malformed, whole)
	}
}

// goReads says the same of a batch as reads.js. Not ours is one in which a record to a
// gateway is malformed inside: a worker passes over those without a look.
func goReads(batch []byte) (said string, ours bool) {
	const toGateways = 64
	var words []string
	r := record.NewReader(batch)
	for r.Next() {
		if k := r.Kind(); k.Known() && k < toGateways {
			words = append(words, fmt.Sprint(byte(k)))
		}
	}
	var wrong *record.Error
	if errors.As(r.Err(), &wrong) {
		return strings.Join(append(words, "malformed"), " "), wrong.Kind < toGateways || !errors.Is(wrong, record.ErrMalformed) && wrong.What == "length"
	}
	return strings.Join(append(words, "whole"), " "), true
}

// vectors are the golden ones, each a record.
func vectors(t *testing.T) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob("protos/parley/record/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "# ") {
				all = append(all, nil)
			} else if len(line) > 49 || strings.TrimSpace(line) != "" {
				b, err := hex.DecodeString(strings.ReplaceAll(line[:min(49, len(line)-1)], " ", ""))
				if err != nil {
					t.Fatal(err)
				}
				all[len(all)-1] = append(all[len(all)-1], b...)
			}
		}
	}
	return all
}
