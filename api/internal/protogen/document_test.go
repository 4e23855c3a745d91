package protogen

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/proto"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// oas31.json is the schema that comes with the specification (Apache License 2.0).
const specification = "https://spec.openapis.org/oas/3.1/schema/2022-10-07"

// documents are what was written: of the chat, and of a proto with one of each thing.
func documents(t *testing.T) map[string]any {
	t.Helper()
	all := make(map[string]any)
	for _, file := range []string{"../../openapi/openapi.json", "../../openapi/push.json", "testdata/shelf.openapi.json"} {
		all[file] = readJSON(t, file)
	}
	return all
}

func readJSON(t *testing.T, file string) any {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDocumentsAreOpenAPI31(t *testing.T) {
	c := jsonschema.NewCompiler()
	if err := c.AddResource(specification, readJSON(t, "testdata/oas31.json")); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(specification)
	if err != nil {
		t.Fatal(err)
	}
	for file, document := range documents(t) {
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if schema.Validate(map[string]any{"openapi": "3.1.0", "info": map[string]any{}}) == nil {
		t.Error("anything passes")
	}
}

// Every schema is one of JSON Schema 2020-12, and what it refers to is there.
func TestSchemasOfDocumentsCompile(t *testing.T) {
	for file, document := range documents(t) {
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("doc.json", document); err != nil {
			t.Fatal(err)
		}
		for name := range at(document, "components", "schemas").(map[string]any) {
			if _, err := c.Compile("doc.json#/components/schemas/" + name); err != nil {
				t.Errorf("%s: %s: %v", file, name, err)
			}
		}
	}
}

func TestReferencesAndNamesOfOperationsHold(t *testing.T) {
	for file, document := range documents(t) {
		operations := make(map[string]bool)
		walk(document, func(v map[string]any) {
			if ref, ok := v["$ref"].(string); ok {
				path, inside := strings.CutPrefix(ref, "#/")
				if !inside || at(document, strings.Split(path, "/")...) == nil {
					t.Errorf("%s: nothing at %s", file, ref)
				}
			}
			if id, ok := v["operationId"].(string); ok {
				if operations[id] {
					t.Errorf("%s: two operations are called %s", file, id)
				}
				operations[id] = true
			}
		})
		if len(operations) < 3 {
			t.Errorf("%s: %d operations", file, len(operations))
		}
	}
}

func TestOnlyOpenOperationsNeedNoToken(t *testing.T) {
	document := documents(t)["../../openapi/openapi.json"]
	for path, wantsToken := range map[string]bool{"signIn": false, "getServer": false, "sendMessage": true, "getUsers": true} {
		_, open := at(document, "paths", "/v1/"+path, "post").(map[string]any)["security"]
		if open == wantsToken {
			t.Errorf("%s: security of its own %v", path, open)
		}
	}
	if raw, _ := json.Marshal(at(document, "security")); string(raw) != `[{"bearer":[]}]` {
		t.Errorf("security of the others: %s", raw)
	}
}

func TestOperationsOfPushServiceSayTheirRole(t *testing.T) {
	document := documents(t)["../../openapi/push.json"]
	methods := pushv1.File_parley_push_v1_push_proto.Services().ByName("PushService").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		role, _ := proto.GetExtension(m.Options(), pushv1.E_Role).(pushv1.Role)
		want := strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
		if got := at(document, "paths", "/push/v1/"+lowerFirst(string(m.Name())), "post", "x-role"); got != want {
			t.Errorf("%s: %v, want %s", m.Name(), got, want)
		}
	}
}

// at follows keys into v.
func at(v any, keys ...string) any {
	for _, key := range keys {
		o, _ := v.(map[string]any)
		v = o[key]
	}
	return v
}

// walk calls f for every object in v.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			walk(inner, f)
		}
	case []any:
		for _, inner := range v {
			walk(inner, f)
		}
	}
}
