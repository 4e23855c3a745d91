package ctl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Ctl asks an api and shows what it says. It is for one goroutine.
type Ctl struct {
	Door   *Door
	Out    io.Writer     // what was asked for
	Err    io.Writer     // what is said beside it
	Width  int           // columns of the terminal that Out is; 0: it is none
	JSON   bool          // for programs: one JSON object, or of a list one in each line
	Period time.Duration // between two looks at what goes on; 0: a second

	now func() time.Time // nil: time.Now
}

func (c *Ctl) clock() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}

func (c *Ctl) period() time.Duration {
	if c.Period > 0 {
		return c.Period
	}
	return time.Second
}

// say is for people, beside what was asked for.
func (c *Ctl) say(format string, args ...any) { fmt.Fprintf(c.Err, format+"\n", args...) }

// print is what was asked for, for people.
func (c *Ctl) print(format string, args ...any) error {
	_, err := fmt.Fprintf(c.Out, format+"\n", args...)
	return err
}

// jsonOf is a message in one line, with all its fields.
func jsonOf(m proto.Message) (json.RawMessage, error) {
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Compact(&b, text) // protojson puts spaces where it likes, to be relied on by nobody
	return b.Bytes(), err
}

// emit writes a message for programs.
func (c *Ctl) emit(m proto.Message) error {
	text, err := jsonOf(m)
	if err != nil {
		return err
	}
	return c.emitLine(text)
}

func (c *Ctl) emitLine(text []byte) error {
	_, err := c.Out.Write(append(text, '\n'))
	return err
}
