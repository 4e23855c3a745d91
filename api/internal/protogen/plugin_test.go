package protogen

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/shelf.* anew")

// The shelf has one of each thing that a proto can say.
func TestTheShelfIsWrittenAsItWas(t *testing.T) {
	openAPI, typeScript := write(t, shelf(t))
	for name, got := range map[string]string{"shelf.openapi.json": openAPI, "shelf.ts": typeScript} {
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs: look at it with -update", name)
		}
	}
}

func TestNewRPCIsInBothDocuments(t *testing.T) {
	openAPI, typeScript := write(t, with(t, "service ShelfService {", `
		// DustBooks dusts.
		rpc DustBooks(DustBooksRequest) returns (RingResponse) { option idempotency_level = IDEMPOTENT; }
	}
	// DustBooksRequest says which.
	message DustBooksRequest {
		// feather_duster is what with.
		Duster feather_duster = 1;
	}
	// Duster is a thing.
	message Duster {}
	// OldService goes on.
	service OldService {`))
	for _, want := range []string{
		`"/v1/dustBooks": {`, `"operationId": "dustBooks"`, `"summary": "dustBooks dusts"`, `"DustBooksRequest": {`,
		`"featherDuster": {`, `"$ref": "#/components/schemas/Duster"`, `"Duster": {`,
	} {
		if !strings.Contains(openAPI, want) {
			t.Errorf("the OpenAPI document lacks %s", want)
		}
	}
	for _, want := range []string{
		"\n  dustBooks: { request: DustBooksRequest; response: RingResponse };\n",
		"\n  dustBooks: { access: 'token', repeat: 'idempotent' },\n",
		"\nexport interface DustBooksRequest {\n", "\n  featherDuster?: Duster;\n", "\nexport interface Duster {}\n",
	} {
		if !strings.Contains(typeScript, want) {
			t.Errorf("the TypeScript types lack %s", want)
		}
	}
}

func TestRPCOfSocketsIsNotInTheDocumentOfHTTP(t *testing.T) {
	openAPI, typeScript := write(t, shelf(t))
	for _, name := range []string{"/v1/sit", "SitRequest", "BookLentPush", "Lent\"", "Burn", "Ashes", "SheetPush"} {
		if strings.Contains(openAPI, name) {
			t.Errorf("the OpenAPI document has %s", name)
		}
	}
	for _, name := range []string{"Burn", "burn:", "Ashes", "SheetPush"} {
		if strings.Contains(typeScript, name) {
			t.Errorf("the TypeScript types have %s", name)
		}
	}
}

func TestNothingIsOfAnyType(t *testing.T) {
	comment := regexp.MustCompile(`(?s)/\*.*?\*/`)
	_, typeScript := write(t, shelf(t))
	if any := regexp.MustCompile(`\bany\b`).FindString(comment.ReplaceAllString(typeScript, "")); any != "" {
		t.Error("the TypeScript types have an any")
	}
}

func TestWhatHasNoFormIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, mark, more, options, want string
	}{
		{"stream", "service ShelfService {", "rpc Read(RingRequest) returns (stream RingResponse);", shelfOptions, "shelf.v1.ShelfService.Read is a stream"},
		{"two of a name", "message FindBookRequest {", "BookPage page = 9;}\nmessage BookPage {", shelfOptions, "shelf.v1.Book.Page and shelf.v1.BookPage would both be called BookPage"},
		{"a name of the frame", "message FindBookResponse {", "Error e = 9;}\nmessage Error {", shelfOptions, "shelf.v1.Error has the name of a schema that is written by hand"},
		{"a name of the types", "message FindBookResponse {", "Methods e = 9;}\nmessage Methods {", shelfOptions, "shelf.v1.Methods has a name that the documents need"},
		{"no service", "", "", "service=shelf.v1.DoorService", `no service "shelf.v1.DoorService"`},
		{"a message as service", "", "", "service=shelf.v1.Book", `no service "shelf.v1.Book"`},
		{"an option of others", "", "", "paths=source_relative", `option "paths=source_relative"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := shelf(t)
			if test.mark != "" {
				files = with(t, test.mark, test.more)
			}
			response := run(t, files, test.options)
			if !strings.Contains(response.GetError(), test.want) || len(response.File) > 0 {
				t.Errorf("error %q, %d files; want %q", response.GetError(), len(response.File), test.want)
			}
		})
	}
}

// Who may call it has to be said in the documents: a guess could be wrong.
func TestAccessThatIsNotKnownIsRefused(t *testing.T) {
	files := with(t, "service ShelfService {", "rpc Read(RingRequest) returns (RingResponse) { option (parley.chat.v1.access) = ACCESS_STAFF; }")
	files["parley/chat/v1/options.proto"] = `syntax = "proto3";
		package parley.chat.v1;
		import "google/protobuf/descriptor.proto";
		extend google.protobuf.MethodOptions { Access access = 51236; }
		enum Access { ACCESS_UNSPECIFIED = 0; ACCESS_OPEN = 1; ACCESS_SOCKET = 2; ACCESS_STAFF = 3; }`
	if response := run(t, files, shelfOptions); !strings.Contains(response.GetError(), "ShelfService.Read has access 3") {
		t.Errorf("error %q", response.GetError())
	}
}

func TestWhatIsNotAskedForIsNotWritten(t *testing.T) {
	response := run(t, shelf(t), "service=shelf.v1.ShelfService,typescript=only.ts")
	if response.Error != nil || len(response.File) != 1 || response.File[0].GetName() != "only.ts" {
		t.Errorf("error %q, files %v", response.GetError(), response.File)
	}
}

func TestWhatIsNoRequestIsAnError(t *testing.T) {
	if err := Run(strings.NewReader("not a request"), &strings.Builder{}); err == nil {
		t.Error("no error")
	}
}
