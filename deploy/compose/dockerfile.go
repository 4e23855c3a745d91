package compose

import (
	"fmt"
	"os"
	"strings"
)

// Dockerfile is the stages of one, in their order.
type Dockerfile []Stage

// Stage is what stands from one FROM to the next.
type Stage struct {
	Name string
	From string // an image, or an earlier stage
	Line int
	Do   []Instruction
}

// Instruction is one line, with its continuations.
type Instruction struct {
	Line  int
	Verb  string            // in capitals
	Flags map[string]string // --from=…
	Rest  string
}

// ReadDockerfile takes a Dockerfile apart. It knows what ours uses.
func ReadDockerfile(path string) (Dockerfile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d Dockerfile
	lines := strings.Split(string(text), "\n")
	for n := 0; n < len(lines); n++ {
		line, at := strings.TrimSpace(lines[n]), n+1
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for strings.HasSuffix(line, `\`) && n+1 < len(lines) {
			n++
			line = strings.TrimSuffix(line, `\`) + " " + strings.TrimSpace(lines[n])
		}
		in := instruction(line, at)
		if in.Verb == "FROM" {
			words := strings.Fields(in.Rest)
			if len(words) != 3 || !strings.EqualFold(words[1], "AS") {
				return nil, fmt.Errorf("%s:%d: want FROM image AS name", path, at)
			}
			d = append(d, Stage{Name: words[2], From: words[0], Line: at})
			continue
		}
		if len(d) == 0 {
			return nil, fmt.Errorf("%s:%d: %s before any FROM", path, at, in.Verb)
		}
		last := &d[len(d)-1]
		last.Do = append(last.Do, in)
	}
	return d, nil
}

func instruction(line string, at int) Instruction {
	verb, rest, _ := strings.Cut(line, " ")
	in := Instruction{Line: at, Verb: strings.ToUpper(verb), Flags: map[string]string{}, Rest: strings.TrimSpace(rest)}
	for strings.HasPrefix(in.Rest, "--") {
		flag, rest, _ := strings.Cut(in.Rest, " ")
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		in.Flags[name], in.Rest = value, strings.TrimSpace(rest)
	}
	return in
}

// Stage returns the stage of that name, nil: there is none.
func (d Dockerfile) Stage(name string) *Stage {
	for i := range d {
		if d[i].Name == name {
			return &d[i]
		}
	}
	return nil
}

// Find returns the last instruction of a verb in a stage or in those it stands on.
func (d Dockerfile) Find(stage, verb string) (Instruction, bool) {
	for s := d.Stage(stage); s != nil; s = d.Stage(s.From) {
		for i := len(s.Do) - 1; i >= 0; i-- {
			if s.Do[i].Verb == verb {
				return s.Do[i], true
			}
		}
	}
	return Instruction{}, false
}
