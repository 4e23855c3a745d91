package protogen

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
)

// frameJSON is an OpenAPI document of all that is no rpc.
//
//go:embed frame.json
var frameJSON []byte

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

func readFrame() (d document, err error) {
	decoder := json.NewDecoder(bytes.NewReader(frameJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("frame.json: %w", err)
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
