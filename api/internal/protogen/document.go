package protogen

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
)

// frames are OpenAPI documents of all that is no rpc.
//
//go:embed frame.json frame-push.json
var frames embed.FS

// frame is one of them, and what its operations have in common.
type frame struct {
	file       string
	below      string // path of the operations
	parameters []string
}

// frameOf are the frames by what the option says.
var frameOf = map[string]frame{
	"":     {file: "frame.json", below: "/v1/"},
	"push": {"frame-push.json", "/push/v1/", []string{"Timeout"}},
}

// document is an OpenAPI document, typed as far as something is put into it.
type document struct {
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Servers    json.RawMessage `json:"servers"`
	Security   json.RawMessage `json:"security"` // where an operation says nothing else
	Tags       []tag           `json:"tags"`
	Paths      object          `json:"paths"`
	Components struct {
		SecuritySchemes json.RawMessage `json:"securitySchemes"`
		Parameters      json.RawMessage `json:"parameters"`
		Responses       json.RawMessage `json:"responses"`
		Schemas         object          `json:"schemas"`
	} `json:"components"`
}

type tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

func (f frame) read() (d document, err error) {
	raw, err := frames.ReadFile(f.file)
	if err != nil {
		return d, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("%s: %w", f.file, err)
	}
	return d, nil
}

func (d document) text() (string, error) {
	compact, err := marshal(d)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}
