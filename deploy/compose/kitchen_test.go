package compose

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kitchen does what a container engine does with a Dockerfile, in a folder for each
// stage. It knows no image: what a stage takes from one is this machine's.
type kitchen struct {
	t      *testing.T
	root   string // of the repository, the context
	folder string
	file   Dockerfile
	done   map[string]*plate
}

// plate is a stage that was carried out.
type plate struct {
	folder, workdir string
	env             []string
	scratch         bool // nothing is in it but what was copied
}

// serve carries out a stage and those that it needs.
func (k *kitchen) serve(name string) *plate {
	k.t.Helper()
	if p := k.done[name]; p != nil {
		return p
	}
	s := k.file.Stage(name)
	if s == nil {
		k.t.Fatalf("no stage %q", name)
	}
	p := &plate{folder: filepath.Join(k.folder, name), workdir: "/", scratch: s.From == "scratch"}
	k.done[name] = p
	k.must(s.Line, os.MkdirAll(p.folder, 0o755))
	if k.file.Stage(s.From) != nil {
		base := k.serve(s.From)
		p.workdir, p.env, p.scratch = base.workdir, base.env, base.scratch
		k.must(s.Line, link(base.folder, p.folder))
	}
	for _, in := range s.Do {
		k.step(p, in)
	}
	return p
}

func (k *kitchen) step(p *plate, in Instruction) {
	k.t.Helper()
	switch in.Verb {
	case "WORKDIR":
		p.workdir = in.Rest
		k.must(in.Line, os.MkdirAll(filepath.Join(p.folder, p.workdir), 0o755))
	case "ENV":
		for _, kv := range strings.Fields(in.Rest) {
			if _, value, _ := strings.Cut(kv, "="); !strings.HasPrefix(value, "/") { // caches are this machine's
				p.env = append(p.env, kv)
			}
		}
	case "RUN":
		k.run(p, in)
	case "COPY":
		words := strings.Fields(in.Rest)
		if len(words) != 2 {
			k.t.Fatalf("Dockerfile:%d: want COPY from to", in.Line)
		}
		to := words[1]
		if !strings.HasPrefix(to, "/") {
			to = filepath.Join(p.workdir, to)
		}
		k.must(in.Line, k.copy(in.Flags["from"], words[0], filepath.Join(p.folder, to)))
	case "USER", "EXPOSE", "VOLUME", "ENTRYPOINT": // facts, see dockerfile_test.go
	default:
		k.t.Fatalf("Dockerfile:%d: %s is not known here", in.Line, in.Verb)
	}
}

func (k *kitchen) run(p *plate, in Instruction) {
	k.t.Helper()
	if p.scratch {
		k.t.Fatalf("Dockerfile:%d: there is no shell in this stage", in.Line)
	}
	for word := range strings.FieldsSeq(in.Rest) {
		if strings.HasPrefix(word, "/") {
			k.t.Fatalf("Dockerfile:%d: %s is absolute: it would leave the folder of this test", in.Line, word)
		}
	}
	cmd := exec.CommandContext(k.t.Context(), "sh", "-c", in.Rest)
	cmd.Dir = filepath.Join(p.folder, p.workdir)
	cmd.Env = append(os.Environ(), p.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Fatalf("Dockerfile:%d: %s: %v\n%s", in.Line, in.Rest, err, out)
	}
}

// copy copies from the context, or from another stage.
func (k *kitchen) copy(stage, from, to string) error {
	if stage == "" {
		return k.context(from, to)
	}
	source := k.serve(stage)
	path := filepath.Join(source.folder, from)
	if _, err := os.Lstat(path); err != nil && !source.scratch {
		path = from // of the image that the stage begins with
	}
	return link(path, to)
}

// context copies what would be committed, which is what a clone has.
func (k *kitchen) context(from, to string) error {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", from)
	cmd.Dir = k.root
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("git ls-files %s: %w", from, err)
	}
	files := strings.Split(strings.Trim(string(out), "\x00"), "\x00")
	if len(files) == 1 && files[0] == "" {
		return fmt.Errorf("%s: there is no such file", from)
	}
	for _, name := range files {
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if err := put(filepath.Join(k.root, name), filepath.Join(to, rel)); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return nil
}

// put copies a file, or a symbolic link as one.
func put(from, to string) error {
	info, err := os.Lstat(from)
	if os.IsNotExist(err) {
		return nil // deleted, and not committed yet
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		where, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(where, to)
	}
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, body, info.Mode().Perm())
}

// link makes a tree appear at another place; no step changes a file that it was given.
func link(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		_ = os.Remove(target) // what was there is replaced
		if err := os.Link(path, target); err == nil {
			return nil
		}
		return put(path, target) // on another disk
	})
}

func (k *kitchen) must(line int, err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatalf("Dockerfile:%d: %v", line, err)
	}
}
