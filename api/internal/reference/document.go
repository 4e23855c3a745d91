package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// document is what is shown of an OpenAPI document.
type document struct {
	Info struct {
		Title, Version, Description string
	}
	Paths      ordered[ordered[json.RawMessage]]
	Components struct {
		Schemas ordered[schema]
	}
}

// operation is one thing that may be asked.
type operation struct {
	Summary, Description string
	Security             *[]json.RawMessage // empty: no token
	Parameters           []struct {
		Name, In, Description string
		Required              bool
		Schema                schema
	}
	RequestBody struct {
		Description string
		Content     ordered[media]
	}
	Responses ordered[struct {
		Description string
		Content     ordered[media]
	}]
}

type media struct{ Schema schema }

// schema is the form of a value.
type schema struct {
	Ref         string `json:"$ref"`
	Type        any    // a name, or a list of them
	Format      string
	Description string
	Enum        []any
	Items       *schema
	AllOf       []schema
	Properties  ordered[schema]
	Extra       any `json:"additionalProperties"`
}

// Kind says in a few words what a value is: "list of User".
func (s schema) Kind() string {
	switch {
	case s.Items != nil:
		return "list of " + s.Items.Kind()
	case s.Name() != "":
		return s.Name()
	case s.Format != "":
		return fmt.Sprintf("%v, %s", s.Type, s.Format)
	case s.Type == nil:
		return ""
	}
	return fmt.Sprint(s.Type)
}

// Name is that of the schema that s, or what is in it, refers to; "": it is written out.
func (s schema) Name() string {
	if s.Items != nil {
		return s.Items.Name()
	}
	for _, one := range s.AllOf {
		if name := one.Name(); name != "" {
			return name
		}
	}
	return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
}

// pair is a member of an object.
type pair[T any] struct {
	Name  string
	Value T
}

// ordered is an object whose members stand as they were written.
type ordered[T any] []pair[T]

// UnmarshalJSON implements json.Unmarshaler.
func (o *ordered[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("an object is wanted, and there is %v", t)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		p := pair[T]{Name: fmt.Sprint(name)}
		if err := d.Decode(&p.Value); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		*o = append(*o, p)
	}
	return nil
}
